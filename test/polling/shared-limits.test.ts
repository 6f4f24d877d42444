import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertJob } from '../jobs/fixtures.js';
import { startPollingApp, type PollingApp } from './polling-app.js';

/** Real: two applications with HTTP, guard and streams on one PostgreSQL. Faked: nothing. */
describe('two applications with RATE_LIMIT_STORE=postgres', () => {
  const settings = { RATE_LIMIT_STORE: 'postgres', RATE_LIMIT_POLLING: '30' };
  let one: PollingApp;
  let other: PollingApp;

  beforeAll(async () => {
    one = await startPollingApp(settings);
    other = await startPollingApp(settings, one.db);
  });
  afterAll(async () => {
    await other.close();
    await one.close();
  });

  it('two applications let no more requests of a key through than one', async () => {
    const job = await insertJob(one.db.database, { keyId: 'beta' });
    const path = `/api/v1/batch-status/${job.id}`;
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? one : other).send(path, { keyId: 'beta' })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(30);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    for (const { headers } of refused) {
      expect(headers.get('ratelimit')).toMatch(/^"polling";r=0;t=\d+$/);
      expect(headers.get('retry-after')).toBe(/t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
    }
  });

  it('two applications keep a key to ten event streams, and one that ends gives its places back', async () => {
    const job = await insertJob(one.db.database);
    const path = `/api/v1/batch-jobs/${job.id}/events`;
    const ending = await startPollingApp(settings, one.db);
    const hangUp = new AbortController();
    const open = (from: PollingApp) => from.send(path, { signal: hangUp.signal });
    const streams = await Promise.all(Array.from({ length: 10 }, (_, index) => open(index < 6 ? ending : one)));
    expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect((await open(other)).status).toBe(429);
    // The application waits until its streams' ends were read.
    await Promise.all([ending.app.close(), ...streams.slice(0, 6).map((stream) => stream.text())]);
    const again = await Promise.all(Array.from({ length: 7 }, () => open(other)));
    expect(again.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 200, 200, 429]);
    hangUp.abort();
  });
});
