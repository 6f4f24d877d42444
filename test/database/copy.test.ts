import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CopyEncoder, NulByteError } from '../../src/database/copy-encoder.js';
import { copyRows } from '../../src/database/copy-rows.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Real: PostgreSQL's own reader of COPY.

let db: TestDatabase;

beforeAll(async () => {
  db = await createTestDatabase();
  await db.database.execute('create table copied (id integer primary key, words text, facts json, done boolean)');
});
afterAll(() => db.drop());
beforeEach(() => db.database.execute('truncate copied'));

const copy = (chunks: AsyncIterable<Buffer> | Iterable<Buffer>) =>
  db.database.transaction((tx) => copyRows(tx.client, 'copied (id, words, facts, done)', chunks));

const allRows = () =>
  db.database.query<{ id: number; words: string | null; facts: unknown; done: boolean | null }>(
    'select * from copied order by id',
  );

describe('rows copied', () => {
  it('rows copied come out as they went in, whatever the text', async () => {
    const text = fc.option(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(fc.constantFrom('\\', '\n', '\r', '\t', 'N', '.', 'ж', '🚗', '"')).map((parts) => parts.join('')),
      ),
      { nil: null },
    );
    const row = fc.record({ words: text, facts: fc.option(fc.jsonValue(), { nil: null }), done: fc.boolean() });
    const printable = (value: unknown) =>
      !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value)) && !hasLoneSurrogate(value);
    const rows = fc
      .sample(row, 2000)
      .filter((sample) => printable(sample))
      // -0 becomes 0 in JSON.
      .map((sample) => JSON.parse(JSON.stringify(sample)) as typeof sample);
    const encoder = new CopyEncoder();
    rows.forEach((sample, id) =>
      encoder.integer(id).text(sample.words).json(sample.facts).boolean(sample.done).endRow(),
    );
    expect(await copy([encoder.take()])).toBe(rows.length);
    expect(await allRows()).toEqual(rows.map((sample, id) => ({ id, ...sample })));
  });

  it('rows copied may hold fields that are ready, escaped text and nulls', async () => {
    const json = '{"a": "tab\\there", "b":\t[1]}';
    const encoder = new CopyEncoder();
    encoder.integer(1).text('back\\slash').text(json).boolean(true).endRow();
    encoder.integer(2).ready(Buffer.from('two\\twords\t{"x":1}')).boolean(false).endRow();
    encoder.integer(3).text(null).text(null).integer(null).endRow();
    expect(await copy([encoder.take()])).toBe(3);
    expect(await allRows()).toEqual([
      { id: 1, words: 'back\\slash', facts: { a: 'tab\there', b: [1] }, done: true },
      { id: 2, words: 'two\twords', facts: { x: 1 }, done: false },
      { id: 3, words: null, facts: null, done: null },
    ]);
  });

  it('rows copied come from a source of any length, which is asked for no more than the server takes', async () => {
    const bytes = 64 * 1024;
    let most = 0;
    await db.database.transaction(async (tx) => {
      const { stream } = (tx.client as unknown as { connection: { stream: Socket } }).connection;
      const rows = function* () {
        for (let id = 0; id < 400; id++) {
          most = Math.max(most, stream.writableLength);
          yield new CopyEncoder().integer(id).text('x'.repeat(bytes)).text(null).boolean(true).endRow().take();
        }
      };
      expect(await copyRows(tx.client, 'copied (id, words, facts, done)', rows())).toBe(400);
    });
    // 25 MiB went through; what waited in this process at any time is a few chunks.
    expect(most).toBeLessThan(16 * bytes);
  });

  it('rows copied leave nothing behind when the source fails, and the connection works on', async () => {
    const failing = async function* () {
      yield new CopyEncoder().integer(1).text('a').text(null).boolean(true).endRow().take();
      await Promise.resolve();
      throw new Error('the upload broke off');
    };
    await expect(copy(failing())).rejects.toThrow('the upload broke off');
    expect(await allRows()).toEqual([]);
    expect(await copy([])).toBe(0);
  });

  it('rows copied that the table refuses fail with the server’s error', async () => {
    const encoder = new CopyEncoder();
    for (let twice = 0; twice < 2; twice++) encoder.integer(1).text('a').text(null).boolean(true).endRow();
    await expect(copy([encoder.take()])).rejects.toMatchObject({ code: '23505', constraint: 'copied_pkey' });
  });
});

describe('the encoder', () => {
  it('the encoder of COPY refuses NUL in text and JSON, which the server would refuse later or not at all', () => {
    expect(() => new CopyEncoder().text('a\0b')).toThrow(NulByteError);
    expect(() => new CopyEncoder().json({ a: ['\0'] })).toThrow(NulByteError);
    expect(() => new CopyEncoder().json({ '\0': 1 })).toThrow(NulByteError);
    expect(new CopyEncoder().json('\\u0000').size).toBeGreaterThan(0);
  });

  it('the encoder of COPY keeps nothing of a row with a field that it refuses', () => {
    const encoder = new CopyEncoder();
    encoder.integer(1).endRow();
    expect(() => encoder.integer(2).text('half').text('a\0b')).toThrow(NulByteError);
    expect(() => encoder.integer(2).json({ a: '\0' })).toThrow(NulByteError);
    expect(() => encoder.integer(2).json({ a: 1n })).toThrow(TypeError);
    expect(() => encoder.integer(2).json(() => 1)).toThrow(RangeError);
    expect(() => encoder.integer(2).integer(0.5)).toThrow(RangeError);
    expect(encoder.integer(3).text('x').endRow().take().toString()).toBe('1\n3\tx\n');
  });

  it('the encoder of COPY refuses half of a surrogate pair in JSON, which the server takes and nobody can read, and no text that quotes one', () => {
    expect(() => new CopyEncoder().json({ a: ['\ud83d'] })).toThrow(NulByteError);
    expect(new CopyEncoder().json(['🚗', '\\ud83d']).size).toBeGreaterThan(0);
  });

  it('the encoder of COPY drops whole rows down to a size that it had', () => {
    const encoder = new CopyEncoder();
    encoder.integer(1).endRow();
    const { size } = encoder;
    encoder.integer(2).endRow().integer(3).endRow().integer(4);
    encoder.dropTo(size);
    expect(encoder.integer(5).endRow().take().toString()).toBe('1\n5\n');
  });

  it('the encoder of COPY refuses what is no whole number', () => {
    expect(() => new CopyEncoder().integer(1.5)).toThrow(RangeError);
    expect(() => new CopyEncoder().integer(Number.NaN)).toThrow(RangeError);
  });
});

function hasLoneSurrogate(value: unknown): boolean {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).some(([name, member]) => hasLoneSurrogate(name) || hasLoneSurrogate(member))
    : typeof value === 'string' && value !== Buffer.from(value).toString();
}
