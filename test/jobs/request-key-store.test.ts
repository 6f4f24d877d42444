import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { RequestKeyStore, type NewRequestKey } from '../../src/jobs/request-key-store.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

/** Real: PostgreSQL. Faked: nothing. */
describe('work that a repeated request must not do again', () => {
  let db: TestDatabase;
  let keys: RequestKeyStore;
  let did: string[];

  beforeAll(async () => {
    db = await createTestDatabase();
    keys = new RequestKeyStore(db.database);
  });
  afterAll(() => db.drop());

  const request = (value: string): NewRequestKey => ({
    keyId: 'acme',
    kind: 'idempotency',
    value,
    jobId: newId(),
    bodyHash: 'h',
    expiresAt: new Date(Date.now() + 3_600_000),
  });
  const once = (key: NewRequestKey | null, work: () => Promise<void>) =>
    db.database.transaction((tx) => keys.once(tx, key, work));
  const note = (name: string) => () => {
    did.push(name);
    return Promise.resolve();
  };

  it('work under a request key is done by the first, and the repeat is told whose it was', async () => {
    did = [];
    const first = request('once');
    expect(await once(first, note('first'))).toBeNull();
    expect(await once({ ...first, jobId: newId() }, note('repeat'))).toBe(first.jobId);
    expect(await once(request('another'), note('another'))).toBeNull();
    expect(did).toEqual(['first', 'another']);
  });

  it('work under a request key is done again where the first time failed: nothing is remembered of that', async () => {
    did = [];
    const key = request('fails');
    const failing = () => Promise.reject(new Error('the work failed'));
    await expect(once(key, failing)).rejects.toThrow('the work failed');
    expect(await once(key, note('again'))).toBeNull();
    expect(did).toEqual(['again']);
  });

  it('a request whose twin is being accepted is told so, and one that another lock holds up is not', async () => {
    const key = request('twin');
    const first = await db.database.begin();
    await keys.claim(first.tx, key);
    await expect(once(key, note('twin'))).rejects.toMatchObject({ code: 'REQUEST_IN_PROGRESS' });
    await first.rollback();
    await db.database.transaction(async (tx) => {
      await tx.execute('lock table request_keys in share mode');
      await expect(once(key, note('held up'))).rejects.toMatchObject({ code: '55P03' });
    });
  });

  it('work is done every time where nothing tells repeats apart', async () => {
    did = [];
    for (const name of ['one', 'two']) expect(await once(null, note(name))).toBeNull();
    expect(did).toEqual(['one', 'two']);
  });
});
