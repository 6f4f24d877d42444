import { describe, expect, it } from 'vitest';
import { ChunkJoiner } from '../../src/common/connections/chunk-joiner.js';

/** What comes of a body that arrives in slices of so many bytes. */
function join(body: string, sliceBytes = body.length): string {
  const joiner = new ChunkJoiner();
  const came = Buffer.from(body, 'latin1');
  let text = '';
  for (let taken = 0; taken < came.length;) {
    const { bytes, length } = joiner.join(came.subarray(taken, taken + sliceBytes));
    expect(length).toBeGreaterThan(0);
    text += bytes.toString('latin1');
    taken += length;
  }
  return text;
}

/** The data of joined chunks, and the last chunk as it is. */
function read(text: string): { data: string; last: string } {
  let data = '';
  for (let at = 0; ;) {
    const size = parseInt(text.slice(at, at + 8), 16);
    if (!/^[0-9a-f]{8}\r\n/.test(text.slice(at))) return { data, last: text.slice(at) };
    expect(text.slice(at + 10 + size, at + 12 + size)).toBe('\r\n');
    data += text.slice(at + 10, at + 10 + size);
    at += size + 12;
  }
}

const END = '0\r\n\r\n';

describe('a chunked body', () => {
  it('ChunkJoiner makes one chunk of all data that came together', () => {
    expect(join(`${'1\r\nx\r\n'.repeat(1000)}${END}`)).toBe(`000003e8\r\n${'x'.repeat(1000)}\r\n${END}`);
  });

  it('ChunkJoiner gives the same body, however many pieces it comes in', () => {
    const long = 'l'.repeat(300);
    const last = '0;last\r\nTrailer: t\r\n\r\n';
    const body = `1\r\na\r\nA\r\n0123456789\r\n003;n=v;q="a;\\"b"\r\n\r\n!\r\n12c\r\n${long}\r\n${last}`;
    for (let bytes = 1; bytes <= body.length; bytes++)
      expect(read(join(body, bytes))).toEqual({ data: `a0123456789\r\n!${long}`, last });
  });

  it('ChunkJoiner stops at the end of the body, where another request may begin', () => {
    const next = 'POST / HTTP/1.1\r\n\r\n';
    const { bytes, length } = new ChunkJoiner().join(Buffer.from(`1\r\na\r\n${END}${next}`));
    expect([bytes.toString(), length]).toEqual([`00000001\r\na\r\n${END}`, 11]);
    const joiner = new ChunkJoiner();
    expect(joiner.join(Buffer.from('0\r')).length).toBe(2);
    expect(joiner.join(Buffer.from(`\n\r\n${next}`)).length).toBe(3);
  });

  it.each([
    ['a bare line feed', '1\na\r\n'],
    ['no end of the data', '1\r\nab\r\n'],
    ['a carriage return alone', '1\rxa\r\n'],
    ['a space behind the size', '1 \r\na\r\n'],
    ['no size', '\r\na\r\n'],
    ['a sign', '+1\r\na\r\n'],
    ['a size beyond all bounds', 'fffffffffffffffff\r\n'],
    ['an extension without a name', '1;\r\na\r\n'],
    ['an extension with a control character', '1;a="\x01\n"\r\na\r\n'],
    ['an endless extension', `1;${'e'.repeat(20_000)}`],
  ])('a chunked body with %s is refused by the parser, whatever pieces it comes in', (_name, body) => {
    for (const bytes of [body.length, 1]) expect(join(body, bytes)).toMatch(/^(?:00000001\r\na\r\n)?!/);
  });
});
