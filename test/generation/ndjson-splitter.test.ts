import { describe, expect, it } from 'vitest';
import { MAX_HEAD_BYTES, MAX_LOT_BYTES } from '../../src/generation/intake/request-sink.js';
import { JsonGenerator } from '../auth/json-generator.js';
import { refusal, split } from './splitter-support.js';

const HEAD = '{"version":"1.0.0","languages":["en"]}';

const MALFORMED: readonly (readonly [name: string, body: Buffer | string])[] = [
  ['empty', ''],
  ['blank lines only', '\n \r\n\n'],
  ['a head that is no object', '[1]\n{}'],
  ['a head with lots', '{"lots":[]}\n{}'],
  ['a head with a repeated key', '{"a":1,"a":2}\n{}'],
  ['a head over two lines', '{"a":\n1}\n'],
  ['a lot over two lines', `${HEAD}\n{"a":\n1}`],
  ['two lots on a line', `${HEAD}\n{} {}`],
  ['a comma between lots', `${HEAD}\n{},\n{}`],
  ['an unfinished lot', `${HEAD}\n{}\n{"a"`],
  ['NaN', `${HEAD}\nNaN`],
  ['NUL', `${HEAD}\n{}\n\u0000`],
  ['invalid UTF-8', Buffer.concat([Buffer.from(`${HEAD}\n"`), Buffer.from([0x80]), Buffer.from('"')])],
  ['33 levels in a lot', `${HEAD}\n${'['.repeat(33)}${']'.repeat(33)}`],
  ['33 levels in the head', `{"a":${'['.repeat(32)}${']'.repeat(32)}}`],
  ['an integer of 4,301 digits', `${HEAD}\n[${'1'.repeat(4301)}]`],
];

describe('splitting an NDJSON body', () => {
  it.each([
    `${HEAD}\n{"a":"лот \\n 🚗"}\n[1,2]\n"x"\n`,
    `\ufeff\n ${HEAD}\r\n\r\n{"a":"лот \\n 🚗"} \r\n\n\t[1,2]\n"x"`,
  ])('splitting an NDJSON body gives each line in order, at every chunk size: %j', (body) => {
    for (let size = 1; size <= Buffer.byteLength(body); size++) {
      const { head, lots, texts, headFirst } = split(body, size, 'ndjson');
      expect(head).toEqual({ members: JSON.parse(HEAD) as unknown, text: HEAD, lots: 'streamed', lotsText: undefined });
      expect(headFirst).toBe(true);
      expect(lots).toEqual([{ a: 'лот \n 🚗' }, [1, 2], 'x']);
      expect(texts).toEqual(['{"a":"лот \\n 🚗"}', '[1,2]', '"x"']);
    }
  });

  it('splitting an NDJSON body gives what JSON.parse gives for 1,000 generated bodies', () => {
    const generator = new JsonGenerator(Date.now() % 1_000_000_000);
    for (let count = 0; count < 1000; count++) {
      // A line feed between tokens is white space to JSON but ends a line here.
      const lines = Array.from({ length: generator.below(6) }, () => generator.value().replaceAll(/[\n\r]/g, ' '));
      const { lots } = split([HEAD, ...lines].join('\n'), 1 + generator.below(300), 'ndjson');
      expect(lots).toEqual(lines.map((line) => JSON.parse(line) as unknown));
    }
  });

  it('splitting an NDJSON body takes a request without lots: that is for validation to judge', () => {
    expect(split(HEAD, 7, 'ndjson')).toMatchObject({ lots: [], head: { lots: 'streamed' } });
  });

  it('splitting an NDJSON body takes brackets in strings and 32 levels', () => {
    const line = `["${'['.repeat(40)}\\"",${'['.repeat(31)}${']'.repeat(31)}]`;
    expect(split(`${HEAD}\n${line}`, 11, 'ndjson').texts).toEqual([line]);
  });

  it.each(MALFORMED)('splitting an NDJSON body refuses at every chunk size: %s', (_name, body) => {
    for (const size of [1, 2, 3, 5, 17, 100, 8192]) expect(refusal(body, size, 'ndjson').code).toBe('INVALID_JSON');
  });

  it('splitting an NDJSON body refuses lines beyond the limits before they are whole', () => {
    expect(refusal(`${HEAD}\n"${'x'.repeat(MAX_LOT_BYTES)}`, 65_536, 'ndjson').code).toBe('BODY_TOO_LARGE');
    expect(refusal(`{"a":"${'x'.repeat(MAX_HEAD_BYTES)}`, 65_536, 'ndjson').code).toBe('BODY_TOO_LARGE');
  });
});
