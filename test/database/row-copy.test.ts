import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CopyEncoder } from '../../src/database/copy-encoder.js';
import type { OpenTransaction } from '../../src/database/database.service.js';
import { RowCopy } from '../../src/database/row-copy.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Real: PostgreSQL, and the connection between.

let db: TestDatabase;

beforeAll(async () => {
  // One connection: what a test does not give back, the next one waits for.
  db = await createTestDatabase({ settings: { poolSize: 1 } });
  await db.database.execute('create table copied (id integer, words text)');
});
afterAll(() => db.drop());
beforeEach(() => db.database.execute('truncate copied'));

const row = (id: number, words: string) => new CopyEncoder().integer(id).text(words).endRow().take();
const begin = async (): Promise<OpenTransaction & { copy: RowCopy }> => {
  const open = await db.database.begin();
  return { ...open, copy: new RowCopy(open.tx.client, 'copied (id, words)') };
};
const ids = async () =>
  (await db.database.query<{ id: number }>('select id from copied order by id')).map(({ id }) => id);

describe('a COPY that is fed piece by piece', () => {
  it('RowCopy holds no more than one piece, whose memory can be used again', async () => {
    const { tx, copy, commit } = await begin();
    const { stream } = (tx.client as unknown as { connection: { stream: Socket } }).connection;
    const encoder = new CopyEncoder();
    for (let id = 0; id < 200; id++) {
      encoder.integer(id).text(String(id).repeat(40_000)).endRow();
      await encoder.writeTo((rows) => copy.write(rows));
      expect(stream.writableLength).toBe(0);
    }
    expect(await copy.end()).toBe(200);
    await commit();
    const [wrong] = await db.database.query<{ n: string }>(
      `select count(*) as n from copied where words <> repeat(id::text, 40000)`,
    );
    expect(Number(wrong?.n)).toBe(0);
    expect(await ids()).toHaveLength(200);
  });

  it('RowCopy shares its transaction with what follows, and all of it can be undone', async () => {
    const { tx, copy, rollback } = await begin();
    await copy.write(row(1, 'a'));
    expect(await copy.end()).toBe(1);
    expect(await tx.execute(`insert into copied values (2, 'b')`)).toBe(1);
    await rollback();
    expect(await ids()).toEqual([]);
  });

  it.each([
    ['before the first row', 0],
    ['between rows', 3],
  ])('RowCopy leaves nothing when it is stopped %s, and its connection goes on working', async (_when, rows) => {
    const { copy, rollback } = await begin();
    for (let id = 0; id < rows; id++) await copy.write(row(id, 'a'));
    await copy.abort();
    await rollback();
    expect(await ids()).toEqual([]);
  });

  it('RowCopy fails with the server’s error, whenever that comes, and can be stopped then', async () => {
    const { copy, rollback } = await begin();
    const rows = Buffer.from(`no number\t${'a'.repeat(100_000)}\n`);
    const feed = async () => {
      for (;;) await copy.write(rows);
    };
    await expect(feed()).rejects.toMatchObject({ code: '22P02' });
    await expect(copy.end()).rejects.toMatchObject({ code: '22P02' });
    await copy.abort();
    await rollback();
    expect(await ids()).toEqual([]);
  });

  it('RowCopy fails when its connection breaks, and the pool gets a new one', async () => {
    const { tx, copy, rollback } = await begin();
    await copy.write(row(1, 'a'));
    const { stream } = (tx.client as unknown as { connection: { stream: Socket } }).connection;
    stream.destroy();
    await once(stream, 'close');
    const feed = async () => {
      for (;;) await copy.write(row(2, 'x'.repeat(100_000)));
    };
    await expect(feed()).rejects.toThrow(/terminated/);
    await copy.abort();
    await rollback();
    expect(await ids()).toEqual([]);
  });
});

describe('a transaction that is ended elsewhere', () => {
  it('a transaction that is ended elsewhere has the pool’s only connection until it ends', async () => {
    expect(db.database.hasFreeConnection).toBe(true);
    const open = await db.database.begin();
    expect(db.database.hasFreeConnection).toBe(false);
    await open.commit();
    await open.rollback();
    expect(db.database.hasFreeConnection).toBe(true);
  });
});
