import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UploadGate } from '../../src/auth/upload-gate.js';
import { Database, type Transaction } from '../../src/database/database.service.js';
import type { JsonObject } from 'openai-sandbox';
import { freeIn, type Free } from '../support/free-in-gate.js';
import { GENERATE, hmac, sign, TestService } from '../support/service.js';
import { until } from './http-support.js';

const LOTS = 3000;
const MAX_LOTS = 4000;
const SPOOL_BYTES = 20_000_000;
/** All that the gate has: one of its four places is kept for who has signed rightly. */
const ALL: Free = { strangers: 3, known: 1, spool: SPOOL_BYTES, memory: [true, true] };

let service: TestService;
let spool: string;
beforeAll(async () => {
  service = await TestService.start({
    environment: { MAX_LOTS: String(MAX_LOTS), SPOOL_MAX_BYTES: String(SPOOL_BYTES), ROLE: 'api', MAX_UPLOADS: '4' },
  });
  const parent = join(service.sandbox.stateDir, 'spool');
  spool = join(parent, (await readdir(parent))[0] as string);
}, 60_000);
afterAll(() => service.stop());

let requests = 0;
function lots(count: number, change: (lot: JsonObject, index: number) => JsonObject = (lot) => lot): JsonObject[] {
  const run = requests++;
  return Array.from({ length: count }, (_, index) => {
    const images = Array.from({ length: 8 }, (__, photo) => ({
      url: `https://cdn.test-host.com/${run}/${index}/${photo}.jpg`,
    }));
    // Text with what COPY and JSON escape, so that a wrong byte anywhere shows.
    const info = index % 3 === 0 ? `№ ${index}\t"quoted" \\ 字` : `2021 BMW X5, VIN ${index}`;
    return change({ lot_id: `lot-${run}-${index}`, additional_info: info, images }, index);
  });
}

const HEAD = { version: '1.0.0', languages: ['en'], mode: 'batch' };

async function stored(jobId: string): Promise<JsonObject[]> {
  return service.db.database.query<JsonObject>(
    `select l.position, l.lot_id, i.additional_info, i.images::text as images, i.webhook
     from batch_lots l join batch_lot_inputs i using (job_id, position) where job_id = $1 order by position`,
    [jobId],
  );
}

function expected(sent: JsonObject[]): JsonObject[] {
  return sent.map((lot, position) => ({
    position,
    lot_id: lot['lot_id'],
    additional_info: lot['additional_info'] ?? null,
    images: JSON.stringify((lot['images'] as { url: string }[]).map(({ url }) => url)),
    webhook: lot['webhook'] ?? null,
  }));
}

/** Nothing of an upload is left: no file, no place, no room. */
async function expectNothingHeld(): Promise<void> {
  expect(await readdir(spool)).toEqual([]);
  expect(freeIn(service.app.get(UploadGate))).toEqual(ALL);
}

describe('a large request', () => {
  it('a large request is stored as sent, lot by lot', async () => {
    const sent = lots(LOTS, (lot, index) => (index === 7 ? { ...lot, webhook: 'https://hook.test-host.com/7' } : lot));
    const answer = await service.generate(JSON.stringify({ ...HEAD, lots: sent }));
    expect(answer).toMatchObject({
      status: 201,
      body: { status: 'accepted', total_lots: LOTS, lots_count: LOTS, processing_mode: 'batch', warnings: [] },
    });
    expect(await stored(answer.body['job_id'] as string)).toEqual(expected(sent));
    await expectNothingHeld();
  });

  it('a lot may have a webhook of the longest address, though no index holds so long an entry', async () => {
    const noise = Array.from({ length: 120 }, () => randomUUID()).join('');
    const webhook = `https://hook.test-host.com/${noise}`.slice(0, 4096);
    const sent = lots(2, (lot, index) => (index === 1 ? { ...lot, webhook } : lot));
    const answer = await service.generate(JSON.stringify({ ...HEAD, lots: sent }));
    expect(answer.status).toBe(201);
    expect(await stored(answer.body['job_id'] as string)).toEqual(expected(sent));
  });

  it('a large request may be signed over its lots', async () => {
    const sent = lots(LOTS);
    const text = JSON.stringify(
      sent.map(({ additional_info, images, lot_id }) => ({ additional_info, images, lot_id })),
    );
    const canonical = text.replaceAll(
      /[\u007f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    const body = JSON.stringify({ ...HEAD, signature: hmac(canonical), lots: sent });
    const answer = await service.sendAsIs(GENERATE, 'POST', { 'Content-Type': 'application/json' }, body);
    expect(answer.status).toBe(201);
    expect(await stored(answer.body['job_id'] as string)).toEqual(expected(sent));
  });

  it.each([
    ['gzip', gzipSync],
    ['br', (body: Buffer) => brotliCompressSync(body)],
  ])('a large request may come as %s', async (coding, compress) => {
    const sent = lots(LOTS);
    const body = Buffer.from(JSON.stringify({ ...HEAD, lots: sent }));
    const headers = { ...sign(GENERATE, body, { method: 'POST' }), 'Content-Encoding': coding };
    const answer = await service.generate(compress(body), { headers });
    expect(answer.status).toBe(201);
    expect(await stored(answer.body['job_id'] as string)).toEqual(expected(sent));
  });

  it('a large request may come as NDJSON', async () => {
    const sent = lots(LOTS);
    const body = [HEAD, ...sent].map((line) => JSON.stringify(line)).join('\n');
    const answer = await service.generate(body, { headers: { 'Content-Type': 'application/x-ndjson' } });
    expect(answer.status).toBe(201);
    expect(await stored(answer.body['job_id'] as string)).toEqual(expected(sent));
  });

  it('a large request is not taken as NDJSON under a lots signature', async () => {
    const headers = { 'Content-Type': 'application/x-ndjson', 'X-Signature': hmac('[]') };
    const answer = await service.sendAsIs(GENERATE, 'POST', headers, JSON.stringify(HEAD));
    expect(answer).toMatchObject({ status: 403, body: { code: 'INVALID_SIGNATURE' } });
  });

  const last = LOTS - 1;
  it.each([
    [
      'a repeated lot_id',
      (lot: JsonObject) => ({ ...lot, lot_id: 'twice' }),
      [5, last],
      409,
      { code: 'DUPLICATE_LOT_ID', details: { lot_ids: ['twice'] } },
    ],
    [
      'an address of the inside',
      (lot: JsonObject) => ({ ...lot, images: ['http://10.0.0.1/x'] }),
      [last],
      422,
      { code: 'INVALID_IMAGE_URLS', invalid_urls: ['http://10.0.0.1/x'] },
    ],
    [
      'a wrong type',
      (lot: JsonObject) => ({ ...lot, images: 7 }),
      [last],
      400,
      { code: 'VALIDATION_FAILED', details: { fields: [{ path: `lots[${last}].images` }] } },
    ],
  ] as const)('a large request with %s is refused whole, naming the lot', async (_, change, places, status, body) => {
    const before = await service.rowCounts();
    const sent = lots(LOTS, (lot, index) => ((places as readonly number[]).includes(index) ? change(lot) : lot));
    expect(await service.generate(JSON.stringify({ ...HEAD, lots: sent }))).toMatchObject({ status, body });
    expect(await service.rowCounts()).toEqual(before);
    await expectNothingHeld();
  });

  it('a large request of too many lots is counted to its end, and none is kept', async () => {
    const before = await service.rowCounts();
    const sent = lots(MAX_LOTS + 3).map((lot) => ({ ...lot, images: [] }));
    expect(await service.generate(JSON.stringify({ ...HEAD, lots: sent }))).toMatchObject({
      status: 413,
      body: { code: 'BATCH_SIZE_EXCEEDED', provided_lots: MAX_LOTS + 3, max_allowed: MAX_LOTS },
    });
    expect(await service.rowCounts()).toEqual(before);
    await expectNothingHeld();
  });

  it('a large request that needs more disk than there is gets a 503 and gives all back', async () => {
    const photo = `https://cdn.test-host.com/${'x'.repeat(2000)}.jpg`;
    const sent = lots(MAX_LOTS, (lot) => ({ ...lot, additional_info: 'x'.repeat(4000), images: [photo] }));
    const answer = await service.generate(JSON.stringify({ ...HEAD, lots: sent }));
    expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    await expectNothingHeld();
  });
});

describe('an upload that does not end well', () => {
  it.each([
    ['a wrong signature', 403, () => ({ 'X-Signature': `v1=${'0'.repeat(64)}` })],
    ['an old timestamp', 403, (body: Buffer) => sign(GENERATE, body, { method: 'POST', at: 1_000_000_000 })],
    ['no signature', 401, () => ({ 'X-Signature': '' })],
    ['an unknown type', 415, () => ({ 'Content-Type': 'text/plain' })],
  ])('an upload with %s is answered although the client first sends 8 MB', async (_, status, change) => {
    const body = Buffer.from(JSON.stringify({ ...HEAD, padding: 'x'.repeat(1000), lots: lots(16_000) }));
    expect(body.length).toBeGreaterThan(5e6);
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': String(body.length),
      ...sign(GENERATE, body, { method: 'POST' }),
      ...change(body),
    };
    expect(await sendThenRead(headers, body)).toBe(status);
    await expectNothingHeld();
  });

  it('an upload whose client hangs up leaves nothing', async () => {
    const body = Buffer.from(JSON.stringify({ ...HEAD, lots: lots(LOTS) }));
    const sending = httpRequest(service.origin + GENERATE, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': body.length,
        ...sign(GENERATE, body, { method: 'POST' }),
      },
    });
    sending.on('error', () => undefined);
    sending.write(body.subarray(0, body.length - 10));
    await until(async () => (await readdir(spool)).length > 0);
    sending.destroy();
    await until(async () => (await readdir(spool)).length === 0);
    // The room is given back once the file is gone.
    const gate = service.app.get(UploadGate);
    await until(() => freeIn(gate).spool === SPOOL_BYTES);
    await expectNothingHeld();
  });
});

describe('a COMMIT whose answer is lost', () => {
  const lost = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });

  it('a COMMIT whose answer is lost is answered by what the job itself says: it is there', async () => {
    const database = service.app.get(Database);
    const transaction = database.transaction.bind(database);
    const spy = vi.spyOn(database, 'transaction').mockImplementationOnce(async (work) => {
      await transaction(work);
      throw lost;
    });
    const sent = lots(3);
    const answer = await service.generate(JSON.stringify({ ...HEAD, lots: sent })).finally(() => spy.mockRestore());
    expect(answer.status).toBe(201);
    expect(await stored(answer.body['job_id'] as string)).toEqual(expected(sent));
  });

  it('a COMMIT whose answer is lost is a 503 when the job is not there, and the same request is taken afterwards', async () => {
    const database = service.app.get(Database);
    const transaction = database.transaction.bind(database);
    const spy = vi
      .spyOn(database, 'transaction')
      .mockImplementationOnce((work: (tx: Transaction) => Promise<unknown>) =>
        transaction(async (tx) => {
          await work(tx);
          throw lost;
        }),
      );
    const body = JSON.stringify({ ...HEAD, lots: lots(3) });
    const headers = { 'Idempotency-Key': 'lost-commit' };
    const refused = await service.generate(body, { headers }).finally(() => spy.mockRestore());
    expect(refused).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    const taken = await service.generate(body, { headers });
    expect(taken.status).toBe(201);
    expect(taken.headers.get('idempotent-replayed')).toBeNull();
  });
});

/** As Python's urllib: reads nothing before it has sent everything. A connection closed meanwhile is an error. */
async function sendThenRead(headers: Record<string, string>, body: Buffer): Promise<number | undefined> {
  const sending = httpRequest(service.origin + GENERATE, { method: 'POST', headers });
  const failed = once(sending, 'error').then(([error]) => Promise.reject(error as Error));
  failed.catch(() => undefined);
  const answered = once(sending, 'response');
  const write = (piece: Buffer) =>
    new Promise<void>((resolve, reject) => {
      sending.write(piece, (error) => (error == null ? resolve() : reject(error)));
    });
  for (let at = 0; at < body.length; at += 65_536) await Promise.race([write(body.subarray(at, at + 65_536)), failed]);
  sending.end();
  const [response] = await Promise.race([answered, failed]);
  response.resume();
  return (response as { statusCode?: number }).statusCode;
}
