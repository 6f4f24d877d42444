import { randomUUID } from 'node:crypto';
import type { RateLimiterMemory } from 'rate-limiter-flexible';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { RateLimits } from '../../src/auth/rate-limits.js';
import { UploadGate } from '../../src/auth/upload-gate.js';
import { APP_CONFIG, type AppConfig } from '../../src/config/app-config.js';
import { Database } from '../../src/database/database.service.js';
import { RowCopy } from '../../src/database/row-copy.js';
import { StraightCopies } from '../../src/generation/intake/straight-copy.js';
import { freeIn } from '../support/free-in-gate.js';
import { GENERATE, hmac, sign, TestService, type Answer } from '../support/service.js';
import { expectRefusal } from '../e2e/refusal.js';

// Real: HTTP, PostgreSQL. Large enough for rows to leave the memory long before the last lot is read.

const LOTS = 3000;

let service: TestService;
let database: Database;
beforeAll(async () => {
  const environment = { ROLE: 'api', DATABASE_POOL: '8', RATE_LIMIT_BATCH: '1000', MAX_ACTIVE_JOBS: '1000' };
  service = await TestService.start({ environment });
  database = service.app.get(Database);
}, 60_000);
afterAll(() => service.stop());
afterEach(() => vi.restoreAllMocks());

let requests = 0;
function bodyOf(change: (lots: JsonObject[]) => void = () => undefined): string {
  const run = requests++;
  const lots: JsonObject[] = Array.from({ length: LOTS }, (_, index) => ({
    additional_info: `${index} `.padEnd(400, 'x'),
    images: Array.from({ length: 4 }, (__, photo) => ({ url: `https://cdn.test-host.com/${run}/${index}/${photo}` })),
    lot_id: `lot-${run}-${index}`,
  }));
  change(lots);
  return JSON.stringify({ version: '1.0.0', languages: ['en'], mode: 'batch', lots });
}

/** Counts what is sent to the database before the request is accepted. */
function watch() {
  return { pieces: vi.spyOn(RowCopy.prototype, 'write'), begun: vi.spyOn(database, 'begin') };
}

async function expectWhole(answer: Answer): Promise<void> {
  expect(answer.status).toBe(201);
  const [stored] = await service.db.database.query<{ lots: string; inputs: string }>(
    `select (select count(*) from batch_lots where job_id = $1) as lots,
       (select count(*) from batch_lot_inputs i join batch_lots using (job_id, position)
        where i.job_id = $1 and additional_info like position || ' x%') as inputs`,
    [answer.body['job_id']],
  );
  expect(stored).toEqual({ lots: String(LOTS), inputs: String(LOTS) });
}

/** As many straight copies as there may be can begin: none was left open. */
async function expectNothingOpen(): Promise<void> {
  const copies = service.app.get(StraightCopies);
  const key = () => ({
    keyId: 'nobody',
    kind: 'signature' as const,
    value: randomUUID(),
    jobId: randomUUID(),
    bodyHash: '',
    expiresAt: new Date(),
  });
  const target = 'batch_lot_inputs (job_id, position, additional_info, images, webhook)';
  const open = [await copies.open(target, key), await copies.open(target, key), await copies.open(target, key)];
  expect(open.map((copy) => copy !== null)).toEqual([true, true, false]);
  for (const copy of open) await copy?.discard();
  expect(freeIn(service.app.get(UploadGate)).spool).toBe(service.app.get<AppConfig>(APP_CONFIG).limits.spoolMaxBytes);
}

describe('a large request by scheme 1', () => {
  it('a large request by scheme 1 is copied while it is read, in the transaction that accepts it', async () => {
    const { pieces, begun } = watch();
    await expectWhole(await service.generate(bodyOf()));
    expect(pieces.mock.calls.length).toBeGreaterThan(3);
    expect(begun).toHaveBeenCalledTimes(1);
    await expectNothingOpen();
  });

  it.each([
    ['a wrong signature', 403, () => ({ 'X-Signature': `v1=${'0'.repeat(64)}` })],
    ['an old timestamp', 403, (body: string) => sign(GENERATE, body, { method: 'POST', at: 1_000_000_000 })],
    ['another body than it signed', 403, (body: string) => sign(GENERATE, `${body} `, { method: 'POST' })],
  ])('a large request with %s never reaches the database', async (_which, status, headers) => {
    const { begun } = watch();
    const statements = [vi.spyOn(database, 'query'), vi.spyOn(database, 'execute')];
    const body = bodyOf();
    const signed = { ...sign(GENERATE, body, { method: 'POST' }), ...headers(body) };
    const answer = await service.sendAsIs(GENERATE, 'POST', { 'Content-Type': 'application/json', ...signed }, body);
    expect(answer.status).toBe(status);
    for (const spy of [begun, ...statements]) expect(spy).not.toHaveBeenCalled();
  });

  it.each([
    ['a lot of a wrong type', 'VALIDATION_FAILED', (text: string) => text.replace(/\[[^\]]*\](?=[^[]*$)/, '7')],
    [
      'an address of the inside',
      'INVALID_IMAGE_URLS',
      (text: string) => replaceLast(text, 'cdn.test-host.com', '10.0.0.1'),
    ],
    ['a lot_id twice', 'DUPLICATE_LOT_ID', (text: string) => replaceLast(text, `-${LOTS - 1}"`, '-0"')],
    ['JSON that is broken', 'INVALID_JSON', (text: string) => replaceLast(text, '}]}', '}}}')],
    ['an unknown version', 'UNSUPPORTED_VERSION', (text: string) => text.replace('1.0.0', '9.0.0')],
  ] as const)(
    'a large request that ends with %s is refused for it, and nothing of it stays',
    async (_which, code, breakIt) => {
      const before = await service.rowCounts();
      const { pieces } = watch();
      const answer = await service.generate(breakIt(bodyOf()), { headers: { 'Idempotency-Key': randomUUID() } });
      expect(answer.body['code']).toBe(code);
      expect(pieces).toHaveBeenCalled();
      expect(await service.rowCounts()).toEqual(before);
      await expectNothingOpen();
    },
  );

  it('a large request is refused for its last lot even if the database fails before; a correct one gets a 503', async () => {
    const broken = () =>
      vi
        .spyOn(RowCopy.prototype, 'write')
        .mockRejectedValueOnce(
          Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET', syscall: 'read' }),
        );
    const before = await service.rowCounts();
    broken();
    const refused = await service.generate(replaceLast(bodyOf(), 'cdn.test-host.com', '10.0.0.1'));
    expect(refused.body['code']).toBe('INVALID_IMAGE_URLS');
    broken();
    expectRefusal(await service.generate(bodyOf()), 'SERVICE_UNAVAILABLE');
    expect(await service.rowCounts()).toEqual(before);
    await expectNothingOpen();
  });

  it('a large request whose COMMIT was not answered is answered by what the job itself says', async () => {
    const begin = database.begin.bind(database);
    vi.spyOn(database, 'begin').mockImplementationOnce(async () => {
      const open = await begin();
      const commit = async () => {
        await open.commit();
        throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
      };
      return { ...open, commit };
    });
    await expectWhole(await service.generate(bodyOf()));
    await expectNothingOpen();
  });
});

describe('a large request waits on disk', () => {
  it('a large request waits on disk when it is a repeat, and is answered as the first one was', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const body = bodyOf();
    const first = await service.generate(body, { headers });
    const { pieces } = watch();
    const repeat = await service.generate(body, { headers });
    expect([repeat.status, repeat.body['job_id']]).toEqual([201, first.body['job_id']]);
    expect(repeat.headers.get('idempotent-replayed')).toBe('true');
    expectRefusal(await service.generate(bodyOf(), { headers }), 'IDEMPOTENCY_KEY_REUSED');
    expect(pieces).not.toHaveBeenCalled();
  });

  it('a large request waits on disk also when the same one was accepted meanwhile: nothing of the second stays', async () => {
    const body = bodyOf();
    const headers = { ...sign(GENERATE, body, { method: 'POST' }), 'Content-Type': 'application/json' };
    const jobs = async () => (await service.rowCounts())['batch_jobs'] as number;
    const before = await jobs();
    const send = () => service.sendAsIs(GENERATE, 'POST', headers, body);
    const answers = await Promise.all([send(), send()]);
    const taken = answers.filter(({ status }) => status === 201);
    expect(taken.length).toBeGreaterThan(0);
    expect(new Set(taken.map((answer) => answer.body['job_id'])).size).toBe(1);
    for (const answer of answers) if (answer.status !== 201) expectRefusal(answer, 'REQUEST_IN_PROGRESS');
    await expectWhole(taken[0] as Answer);
    expect(await jobs()).toBe(before + 1);
    await expectNothingOpen();
  });

  it('a large request waits on disk when its key has as many unfinished jobs as it may have', async () => {
    const limits = service.app.get(StraightCopies) as unknown as { maxActiveJobs: number };
    const most = limits.maxActiveJobs;
    limits.maxActiveJobs = 1;
    const { pieces } = watch();
    await expectWhole(await service.generate(bodyOf()).finally(() => (limits.maxActiveJobs = most)));
    expect(pieces).not.toHaveBeenCalled();
  });

  it('a large request waits on disk when its key has used up its requests of this minute, and is refused', async () => {
    const limits = service.app.get(RateLimits) as unknown as { limiters: { batch: { limiter: RateLimiterMemory } } };
    const { limiter: batch } = limits.limiters.batch;
    const first = await service.generate(bodyOf());
    const { key_id: keyId } = (await service.job(first.body['job_id'] as string)) as { key_id: string };
    await batch.block(keyId, 60);
    const { pieces } = watch();
    const refused = await service.generate(bodyOf());
    await batch.delete(keyId);
    expect(refused.body['code']).toBe('RATE_LIMITED');
    expect(pieces).not.toHaveBeenCalled();
  });

  it('a large request waits on disk when no connection is free for it', async () => {
    const { pieces } = watch();
    vi.spyOn(database, 'hasFreeConnection', 'get').mockReturnValue(false);
    await expectWhole(await service.generate(bodyOf()));
    expect(pieces).not.toHaveBeenCalled();
  });

  it('a large request waits on disk when it is signed over its lots', async () => {
    const { pieces, begun } = watch();
    const { lots, ...head } = JSON.parse(bodyOf()) as { lots: JsonObject[] };
    const body = JSON.stringify({ ...head, signature: hmac(JSON.stringify(lots)), lots });
    await expectWhole(await service.sendAsIs(GENERATE, 'POST', { 'Content-Type': 'application/json' }, body));
    expect(pieces).not.toHaveBeenCalled();
    expect(begun).toHaveBeenCalledTimes(1);
  });
});

function replaceLast(text: string, what: string, by: string): string {
  const at = text.lastIndexOf(what);
  return text.slice(0, at) + by + text.slice(at + what.length);
}
