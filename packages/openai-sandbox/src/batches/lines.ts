import type { Readable } from 'node:stream';

/** A line of a JSONL file; numbers begin at 1. */
export interface InputLine {
  readonly number: number;
  readonly text: string;
}

/**
 * The lines of a file, split at 0x0A alone (a U+2028 inside a text is no line end) and held one at a time. Empty lines
 * are skipped but counted; the last one needs no line end.
 */
export async function* readLines(stream: Readable): AsyncGenerator<InputLine, void, undefined> {
  let number = 0;
  let begun: Buffer[] = [];
  for await (const chunk of stream) {
    let rest = chunk as Buffer;
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      const text = Buffer.concat([...begun, rest.subarray(0, end)]).toString('utf8');
      begun = [];
      rest = rest.subarray(end + 1);
      number++;
      if (text.trim() !== '') yield { number, text };
    }
    if (rest.length > 0) begun.push(rest);
  }
  const last = Buffer.concat(begun).toString('utf8');
  if (last.trim() !== '') yield { number: number + 1, text: last };
}
