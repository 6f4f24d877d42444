import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, ConnectionError, GenerationService, type Lot } from '../src/index.js';
import { cutConnection, json, refuse, ScriptedServer, SECRET, type Step } from './scripted-server.js';

const lot: Lot = { lot_id: '11-12345', images: ['https://cdn.test/1.jpg'], additional_info: 'лот 🚗' };
const result = (lotId: string): object => ({ lot_id: lotId, status: 'completed', descriptions: [] });
const accepted = { job_id: 'job-1', status: 'accepted', processing_mode: 'batch', total_lots: 1 };
const synchronous = { job_id: 'job-1', processing_mode: 'synchronous', lots: [result('11-12345')] };

const servers: ScriptedServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

async function talk(...steps: Step[]): Promise<{ server: ScriptedServer; client: GenerationService }> {
  const server = await ScriptedServer.start(...steps);
  servers.push(server);
  return { server, client: new GenerationService({ url: `${server.url}/`, secret: SECRET, keyId: 'acme' }) };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('generate', () => {
  it('sends one signed lot and returns its answer', async () => {
    const { server, client } = await talk(json(200, synchronous));
    const answer = await client.generate(lot, { languages: ['en', 'ru'], include: ['usage'] });
    expect(answer).toEqual(synchronous);
    const [request] = server.received;
    expect(JSON.parse(request?.body ?? '')).toEqual({
      version: '1.0.0',
      languages: ['en', 'ru'],
      include: ['usage'],
      mode: 'sync',
      lots: [lot],
    });
    expect(request?.headers).toMatchObject({ 'x-key-id': 'acme', 'content-type': 'application/json' });
  });

  it('tries again with the same Idempotency-Key after a 429, a broken connection and a proxy', async () => {
    const wait = { 'Retry-After': '0' };
    const proxy: Step = (response) => void response.writeHead(502, wait).end('<html>Bad Gateway</html>');
    const limited = refuse(429, 'RATE_LIMITED', wait);
    const { server, client } = await talk(limited, cutConnection, proxy, json(200, synchronous));
    expect(await client.generate(lot, { languages: ['en'] })).toEqual(synchronous);
    const keys = server.received.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(1);
  });

  it('follows the job that a slow request becomes, to the same answer', async () => {
    const handedOver = { job_id: 'job-1', total_lots: 1, created_at: 'then', warnings: ['slow'] };
    const failed = { ...result('11-12345'), status: 'failed', pending_languages: ['ru'] };
    const results = { completed_at: 'now', metadata: { a: 'b' }, results: { version: '1.0.0', lots: [failed] } };
    const { client } = await talk(json(202, handedOver), json(200, { status: 'failed' }), json(200, results));
    expect(await client.generate(lot, { languages: ['en'] })).toEqual({
      version: '1.0.0',
      job_id: 'job-1',
      processing_mode: 'synchronous',
      total_lots: 1,
      processed_at: 'now',
      lots: [failed],
      warnings: ['slow'],
      pending_languages: ['ru'],
      metadata: { a: 'b' },
    });
  });

  it('throws an error that prints message, code, details and request id', async () => {
    const { client, server } = await talk(refuse(422, 'UNSUPPORTED_LANGUAGE'));
    const error = await client.generate(lot, { languages: ['xx'] }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(String(error)).toBe('ApiError: UNSUPPORTED_LANGUAGE: Do it otherwise. {"field":"x"} (request id req-1)');
    expect(error).toMatchObject({ status: 422, code: 'UNSUPPORTED_LANGUAGE', requestId: 'req-1' });
    expect(server.received).toHaveLength(1);
  });

  it('is not begun without an address or a secret', () => {
    const secret = process.env['NOT_SET'] as string;
    expect(() => new GenerationService({ url: 'http://127.0.0.1:1', secret })).toThrow('secret is missing');
    expect(() => new GenerationService({ url: '', secret: SECRET })).toThrow('url is missing');
  });

  it('says why no connection came about', async () => {
    const client = new GenerationService({ url: 'http://127.0.0.1:1', secret: SECRET, retries: 0 });
    await expect(client.status('job-1')).rejects.toThrow(ConnectionError);
    await expect(client.status('job-1')).rejects.toThrow('GET /api/v1/batch-status/job-1');
  });

  it('gives up when no answer begins in time, and at once when the caller does', async () => {
    const silent: Step = () => undefined;
    const { server } = await talk(silent, silent);
    const client = new GenerationService({ url: server.url, secret: SECRET, retries: 0, timeout: 0.05 });
    await expect(client.generate(lot, { languages: ['en'] })).rejects.toThrow('no answer in 0.05 s');
    const patient = new GenerationService({ url: server.url, secret: SECRET });
    const stop = new AbortController();
    const pending = patient.generate(lot, { languages: ['en'], signal: stop.signal });
    await vi.waitUntil(() => server.received.length === 2);
    stop.abort(new Error('the user left'));
    await expect(pending).rejects.toThrow('the user left');
  });
});

describe('submit', () => {
  /** A folder of this test's own for temporary files, because other tests submit at the same time. */
  const folder = mkdtempSync(join(tmpdir(), 'spools-'));
  beforeEach(() => void vi.stubEnv('TMPDIR', folder));
  afterEach(() => void vi.unstubAllEnvs());
  afterAll(() => rmSync(folder, { recursive: true }));

  it('sends lots from an iterator as compressed lines, twice the same, and leaves no file', async () => {
    const { server, client } = await talk(
      refuse(503, 'SERVICE_UNAVAILABLE', { 'Retry-After': '0' }),
      json(201, accepted),
    );
    function* lots(): Generator<Lot> {
      for (let number = 0; number < 5_000; number++) yield { ...lot, lot_id: number };
    }
    expect(await client.submit(lots(), { languages: ['en'], metadata: { auction: 'A-17' } })).toEqual(accepted);
    const [first, second] = server.received;
    const [head = '', ...rest] = (second?.body ?? '').trimEnd().split('\n');
    expect(JSON.parse(head)).toEqual({
      version: '1.0.0',
      languages: ['en'],
      metadata: { auction: 'A-17' },
      mode: 'batch',
    });
    expect(rest).toHaveLength(5_000);
    expect(JSON.parse(rest[4_999] ?? '')).toEqual({ ...lot, lot_id: 4_999 });
    expect(first?.body).toBe(second?.body);
    expect(second?.headers).toMatchObject({ 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' });
    expect(first?.headers['idempotency-key']).toBe(second?.headers['idempotency-key']);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('sends nothing and leaves no file when the iterator fails', async () => {
    const { server, client } = await talk();
    async function* lots(): AsyncGenerator<Lot> {
      yield lot;
      throw new Error('line 2 of the list has no photo');
    }
    await expect(client.submit(lots(), { languages: ['en'] })).rejects.toThrow('line 2 of the list');
    expect(server.received).toHaveLength(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps the lots in a Blob where there are no files, as in browsers', async () => {
    const { server, client } = await talk(json(201, accepted));
    vi.stubGlobal('process', undefined);
    try {
      expect(await client.submit([lot], { languages: ['en'] })).toEqual(accepted);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(server.received[0]?.headers).toMatchObject({ 'content-encoding': 'gzip' });
    expect(server.received[0]?.headers['content-length']).toBeDefined();
  });
});

describe('a job', () => {
  it('is waited for with the last ETag, and every change is told', async () => {
    const running = { job_id: 'job-1', status: 'processing', progress: { completion_percentage: 50 } };
    const unchanged: Step = (response) => void response.writeHead(304).end();
    const ended = { ...running, status: 'completed' };
    const { server, client } = await talk(json(200, running, { ETag: '"1"' }), unchanged, json(200, ended));
    const seen: string[] = [];
    expect(await client.wait('job-1', { onProgress: ({ status }) => void seen.push(status) })).toEqual(ended);
    expect(seen).toEqual(['processing', 'completed']);
    expect(server.received.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"', '"1"']);
    expect(server.received[0]?.headers['prefer']).toBe('wait=25');
  });

  it('ends the waiting with what the caller of onProgress throws', async () => {
    const { client } = await talk(json(200, { status: 'processing' }));
    const onProgress = (): void => {
      throw new TypeError('a mistake of the caller');
    };
    await expect(client.wait('job-1', { onProgress })).rejects.toThrow('a mistake of the caller');
  });

  it('is cancelled, paused and resumed', async () => {
    const answers = [json(200, { status: 'cancelled' }), json(200, { paused: true }), json(200, { paused: false })];
    const { server, client } = await talk(...answers);
    expect(await client.cancel('a/b')).toEqual({ status: 'cancelled' });
    expect(await client.pause('a/b')).toEqual({ paused: true });
    expect(await client.resume('a/b', { idempotencyKey: 'mine' })).toEqual({ paused: false });
    expect(server.received.map(({ target }) => target)).toEqual([
      '/api/v1/batch-jobs/a%2Fb/cancel',
      '/api/v1/batch-jobs/a%2Fb/pause',
      '/api/v1/batch-jobs/a%2Fb/resume',
    ]);
    expect(server.received[2]?.headers['idempotency-key']).toBe('mine');
  });

  it('is listed page by page', async () => {
    const page = (id: string, next: string | null): Step =>
      json(200, { jobs: [{ job_id: id }], pagination: { next_cursor: next } });
    const { server, client } = await talk(page('1', 'a+b'), page('2', null));
    expect((await collect(client.jobs({ status: 'failed' }))).map((job) => job.job_id)).toEqual(['1', '2']);
    expect(server.received.map(({ target }) => target)).toEqual([
      '/api/v1/batch-jobs?limit=100&status=failed',
      '/api/v1/batch-jobs?limit=100&status=failed&cursor=a%2Bb',
    ]);
  });
});

describe('what else a job has', () => {
  it('is a retry of its failed lots, by code or by lot, and an estimate of it', async () => {
    const retried = { ...accepted, retry_of: 'job-1' };
    const estimate = { lots: 3, estimated_cost_usd: 0.03, warnings: [] };
    const { server, client } = await talk(cutConnection, json(201, retried), json(200, estimate), json(201, retried));
    expect(await client.retry('job-1')).toEqual(retried);
    expect(await client.estimateRetry('job-1', { codes: ['OPENAI_TIMEOUT'] })).toEqual(estimate);
    expect(await client.retry('job-1', { lot_ids: ['a', 7], idempotencyKey: 'mine' })).toEqual(retried);
    expect(server.received.map(({ target }) => target)).toEqual(Array(4).fill('/api/v1/batch-jobs/job-1/retry'));
    const bodies = server.received.map(({ body }) => JSON.parse(body) as unknown);
    expect(bodies).toEqual([{}, {}, { codes: ['OPENAI_TIMEOUT'], dry_run: true }, { lot_ids: ['a', 7] }]);
    const keys = server.received.map(({ headers }) => headers['idempotency-key']);
    expect([keys[0] === keys[1], keys[3]]).toEqual([true, 'mine']);
  });

  it('is asked for besides: photos and usage', async () => {
    const photos = { photos: [{ url: 'https://cdn.test/1.jpg', reachable: true }] };
    const { server, client } = await talk(json(200, photos), json(200, { rows: [] }), json(200, { rows: [] }));
    expect(await client.photoCheck(['https://cdn.test/1.jpg', { url: 'https://cdn.test/2.jpg' }])).toEqual(photos);
    await client.usage({ from: '2026-01-01', to: '2026-01-31', group_by: 'mode' });
    await client.usage();
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({
      images: ['https://cdn.test/1.jpg', { url: 'https://cdn.test/2.jpg' }],
    });
    expect(server.received.map(({ target }) => target)).toEqual([
      '/api/v1/photo-check',
      '/api/v1/usage?from=2026-01-01&to=2026-01-31&group_by=mode',
      '/api/v1/usage',
    ]);
  });
});
