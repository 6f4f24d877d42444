/**
 * How large an answer may be. A model, or a gateway in front of it, may send anything of any size. An answer that is
 * larger than any real one fails its own lot, and must never harm the process.
 */

/**
 * Bytes of one answer, decoded: a lot of 1,000 photos may honestly bring 800,000 tokens, some 3.5 MB; a page of a list,
 * 1 MB.
 */
export const MOST_ANSWER_BYTES = 4 * 1024 * 1024;

/** Values and levels of one JSON text. 4 MiB of `[],[],…` is a million arrays, and takes 100 MB once it is parsed. */
const MOST_VALUES = 200_000;
const MOST_LEVELS = 64;

/** The JSON text is within its size and still more than may be parsed. */
export class TooComplexError extends Error {
  override readonly name = 'TooComplexError';
}

/**
 * `JSON.parse` for a text that may be hostile.
 * @throws TooComplexError before anything is built; SyntaxError when it is not JSON
 */
export function parseBounded(json: string): unknown {
  if (isTooComplex(json)) throw new TooComplexError('the JSON has more values or levels than an answer has');
  return JSON.parse(json) as unknown;
}

function isTooComplex(json: string): boolean {
  let levels = 0;
  let values = 0;
  for (let at = 0; at < json.length; at += 1) {
    switch (json.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(json, at);
        break;
      case BRACE:
      case BRACKET:
        levels += 1;
        values += 1;
        break;
      case BRACE_END:
      case BRACKET_END:
        levels -= 1;
        break;
      case COMMA:
        values += 1;
    }
    if (levels > MOST_LEVELS || values > MOST_VALUES) return true;
  }
  return false;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const BRACE = 0x7b;
const BRACE_END = 0x7d;

/** Where the string that begins at `start` has its closing quote; the text's length when it has none. */
export function endOfString(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (json.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return json.length;
}
