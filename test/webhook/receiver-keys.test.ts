import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { JobReader } from '../../src/jobs/job-reader.js';
import { ReceiverKeys } from '../../src/webhook/receiver-keys.js';
import { insertJob, insertLot } from '../jobs/fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const KEYS = { acme: 'a'.repeat(32), beta: 'b'.repeat(32) };

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** What the start says. */
async function warnings(secrets: Record<string, string>): Promise<[text: string, keyIds: string[]][]> {
  const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const config = loadConfig({
    SHARED_KEYS: JSON.stringify(KEYS),
    ...(Object.keys(secrets).length === 0 ? {} : { WEBHOOK_SECRETS: JSON.stringify(secrets) }),
  });
  await new ReceiverKeys(config, new JobReader(db.database)).onApplicationBootstrap();
  const said = warn.mock.calls.map(
    ([text, facts]) => [String(text), (facts as { key_ids: string[] }).key_ids] as [string, string[]],
  );
  warn.mockRestore();
  return said;
}

describe('the start, where receivers verify with the key that signs requests', () => {
  it('the start says that receivers verify with the key that signs requests, and for which key ids', async () => {
    expect(await warnings({})).toEqual([[expect.stringContaining('no webhook secret is set'), ['acme', 'beta']]]);
    expect(await warnings({ acme: SECRET })).toEqual([[expect.any(String), ['beta']]]);
  });

  it('the start says nothing of receivers where every key id has a webhook secret', async () => {
    expect(await warnings({ acme: SECRET, beta: SECRET })).toEqual([]);
  });

  it('the start says more of receivers once a lot has named one of its own', async () => {
    const { id } = await insertJob(db.database);
    await insertLot(db.database, id, 0, { webhook: 'https://a.test/' });
    const said = await warnings({});
    expect(said).toEqual([[expect.stringContaining("can send requests in the client's name"), ['acme', 'beta']]]);
  });
});
