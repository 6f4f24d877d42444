import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { REBOUND_NAMES, REFUSED_URLS } from '../outbound/ssrf-strings.js';
import { StubResolver } from '../outbound/stub-resolver.js';
import { createRig, type Rig } from './support/rig.js';

// Real: PostgreSQL, the guard, a listener on loopback that must stay untouched. Faked: DNS and the wall clock.
describe('a hostile webhook address at sending time', () => {
  let rig: Rig;
  let touched: number;
  let port: number;
  let close: () => void;
  const resolver = new StubResolver();

  beforeEach(async () => {
    touched = 0;
    const server = createServer((_request, response) => response.end());
    server.on('connection', () => (touched += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
    close = () => server.close();
    rig = await createRig({ settings: { allow: [] }, resolver });
  });
  afterEach(async () => {
    close();
    await rig.close();
  });

  /** As if intake had let the address through, or it had been stored before a rule was made. */
  const queue = async (urls: readonly string[]) => {
    await rig.db.database.execute(
      `insert into webhook_endpoints (key_id, origin, updated_at)
       select 'default', 'origin-' || o, now() from generate_series(0, $1) o`,
      [urls.length],
    );
    await rig.db.database.execute(
      `insert into webhook_deliveries (id, key_id, origin, url, event, payload, next_attempt_at, created_at)
       select u.id, 'default', 'origin-' || u.n, u.url, 'batch_job_progress', '{"version":"1.0.0"}', $3, $3
       from unnest($1::uuid[], $2::text[], $4::int[]) as u (id, url, n)`,
      [urls.map(() => newId()), urls, rig.clock.date(), urls.map((_, index) => index)],
    );
  };
  const outcomes = () =>
    rig.db.database.query<{ url: string; status: string; last_error: string }>(
      'select url, status, last_error from webhook_deliveries order by origin',
    );

  it('a hostile webhook address at sending time is refused, whatever the trick', async () => {
    const urls = REFUSED_URLS.map(([url]) => url.replace('127.0.0.1/', `127.0.0.1:${port}/`)).filter(
      // What UTF-8 text cannot hold never gets into the queue.
      (url) => !url.includes('\0') && Buffer.from(url).toString() === url,
    );
    await queue(urls);
    await rig.sendDue();
    const seen = await outcomes();
    expect(seen).toHaveLength(urls.length);
    for (const { status, last_error } of seen) {
      expect(status).toBe('pending');
      expect(last_error).toBe('the host name could not be resolved');
    }
    expect(touched).toBe(0);
  });

  it('a hostile webhook address at sending time is refused when its name has come to mean a private address', async () => {
    await queue(REBOUND_NAMES.map((name) => `http://${name}/hook`));
    for (const name of REBOUND_NAMES) resolver.answer(name, ['127.0.0.1']);
    await rig.sendDue();
    for (const { last_error } of await outcomes()) expect(last_error).toBe('the host name could not be resolved');
    expect(touched).toBe(0);
  });
});
