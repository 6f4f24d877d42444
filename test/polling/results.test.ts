import { request as httpRequest, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LotResultReader } from '../../src/jobs/lot-result-reader.js';
import { insertCompletedLots, insertJob, insertLot, insertResult, type JobFixture } from '../jobs/fixtures.js';
import { startPollingApp, type PollingApp, type RequestOptions } from './polling-app.js';

/** Real: HTTP, guard, PostgreSQL. Faked: nothing. */
describe('batch-results', () => {
  let polling: PollingApp;

  beforeAll(async () => {
    polling = await startPollingApp();
  });
  afterAll(() => polling.close());

  const path = (job: { id: string }, rest = '') => `/api/v1/batch-results/${job.id}${rest}`;

  /** A finished job: one lot described, one failed. */
  async function finishedJob(): Promise<JobFixture> {
    const { database } = polling.db;
    const job = await insertJob(database, {
      status: 'completed',
      stage: 'done',
      awaitingVision: 0,
      processedLots: 1,
      failedLots: 1,
      processedImages: 3,
      metadata: { auction: 'A-17' },
      completedAt: new Date('2026-01-01T00:00:12.500Z'),
    });
    await insertLot(database, job.id, 0, { lotId: '=1+1', processedImages: 3 });
    await insertResult(database, job.id, 0, 'en', '<p>Dent, "deep"</p>');
    await insertResult(database, job.id, 0, 'ru', '<p>Вмятина</p>');
    await insertLot(database, job.id, 1, {
      status: 'failed',
      processedImages: 0,
      missingImages: ['https://cdn.test/1.jpg'],
      missingReasons: ['not_found'],
      error: { code: 'IMAGE_UNREACHABLE', message: 'No photo could be fetched.' },
    });
    return job;
  }

  /** A job of many lots, a few megabytes in all. */
  async function largeJob(): Promise<JobFixture> {
    const job = await insertJob(polling.db.database, { status: 'completed', totalLots: 20_000 });
    await insertCompletedLots(polling.db.database, job.id, 20_000, ['en', 'ru']);
    return job;
  }

  /** The bare answer, which fetch would have decoded. */
  function raw(target: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { ...polling.sign(target, options), ...options.headers };
      httpRequest(polling.origin + target, { method: options.method ?? 'GET', headers, agent: false }, resolve)
        .on('error', reject)
        .end();
    });
  }

  async function read(message: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  it('batch-results gives the results as the contract has them', async () => {
    const job = await finishedJob();
    const response = await polling.send(path(job));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect(await response.json()).toEqual({
      job_id: job.id,
      status: 'completed',
      completed_at: '2026-01-01T00:00:12Z',
      cancelled_at: null,
      processing_summary: {
        total_lots: 2,
        processed_lots: 1,
        failed_lots: 1,
        total_images_processed: 3,
        total_processing_time: 12.5,
      },
      metadata: { auction: 'A-17' },
      results: {
        version: '1.0.0',
        lots: [
          {
            lot_id: '=1+1',
            status: 'completed',
            processed_at: '2026-01-01T01:00:00Z',
            processed_images: 3,
            descriptions: [
              { language: 'en', damages: '<p>Dent, "deep"</p>' },
              { language: 'ru', damages: '<p>Вмятина</p>' },
            ],
            missing_images: [],
            photo_problems: [],
            pending_languages: [],
          },
          {
            lot_id: 'lot-1',
            status: 'failed',
            processed_at: '2026-01-01T01:00:00Z',
            processed_images: 0,
            descriptions: [],
            missing_images: ['https://cdn.test/1.jpg'],
            photo_problems: [{ url: 'https://cdn.test/1.jpg', reason: 'not_found' }],
            pending_languages: [],
            error: { code: 'IMAGE_UNREACHABLE', message: 'No photo could be fetched.' },
          },
        ],
      },
    });
  });

  it('batch-results gives a lot a line as NDJSON, the same lots as JSON has', async () => {
    const job = await finishedJob();
    const ndjson = await polling.send(path(job), { headers: { Accept: 'application/x-ndjson' } });
    expect(ndjson.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const lines = (await ndjson.text()).split('\n');
    expect(lines.pop()).toBe('');
    const { body } = await polling.json(path(job));
    expect({ lots: lines.map((line) => JSON.parse(line) as unknown), version: '1.0.0' }).toEqual(body['results']);
  });

  it('batch-results answers 202 while the job runs', async () => {
    const job = await insertJob(polling.db.database, { processedLots: 1, awaitingVision: 1 });
    for (const rest of ['', '/download?format=csv']) {
      const response = await polling.send(path(job, rest));
      expect(response.status).toBe(202);
      expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(response.headers.get('content-disposition')).toBeNull();
      expect(await response.json()).toMatchObject({
        error: 'Job not completed',
        job_id: job.id,
        status: 'processing',
        progress: { total_lots: 2, processed_lots: 1, completion_percentage: 50 },
        message: expect.stringContaining(`/api/v1/batch-status/${job.id}`),
      });
    }
  });

  it('batch-results gives the lots that have ended with ?partial=true', async () => {
    const { database } = polling.db;
    const job = await insertJob(database, { languages: ['en'] });
    await insertLot(database, job.id, 0, { status: 'processing' });
    await insertLot(database, job.id, 1);
    await insertResult(database, job.id, 1, 'en', 'text');
    expect((await polling.json(path(job, '?partial=false'))).status).toBe(202);
    const { status, body } = await polling.json(path(job, '?partial=true'));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'processing',
      completed_at: null,
      results: { lots: [{ lot_id: 'lot-1' }] },
    });
    const one = await polling.json(path(job, '?partial=true&lot_id=lot-0'));
    expect(one.body).toMatchObject({ results: { lots: [{ lot_id: 'lot-0', status: 'processing' }] } });
    expect((await polling.json(path(job, '?lot_id=lot-0'))).status).toBe(202);
  });

  it('batch-results shows the lots of a cancelled job, the unfinished as cancelled', async () => {
    const { database } = polling.db;
    const job = await insertJob(database, {
      status: 'cancelled',
      languages: ['en'],
      cancelledAt: new Date('2026-01-01T00:01:00Z'),
    });
    await insertLot(database, job.id, 0);
    await insertResult(database, job.id, 0, 'en', 'text');
    await insertLot(database, job.id, 1, { status: 'translating' });
    const { status, body } = await polling.json(path(job));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'cancelled',
      completed_at: null,
      cancelled_at: '2026-01-01T00:01:00Z',
      results: { lots: [{ status: 'completed' }, { status: 'cancelled', descriptions: [] }] },
    });
  });

  it('batch-results gives one lot, or 404 for one that the job does not have', async () => {
    const job = await finishedJob();
    const { body } = await polling.json(path(job, '?lot_id=%3D1%2B1'));
    expect(body).toMatchObject({ results: { lots: [{ lot_id: '=1+1' }] } });
    for (const lotId of ['other', '', '%00', 'lot-', 'LOT-1']) {
      const missing = await polling.json(path(job, `?lot_id=${lotId}`));
      expect(missing.status).toBe(404);
      expect(missing.body).toMatchObject({ code: 'LOT_NOT_FOUND' });
    }
  });

  it('batch-results gives several lots in their order, each once, or says which of them the job lacks', async () => {
    const job = await finishedJob();
    const idsOf = ({ body }: { body: unknown }) =>
      (body as { results: { lots: { lot_id: string }[] } }).results.lots.map(({ lot_id }) => lot_id);
    const both = 'lot_id[]=lot-1&lot_id[]=%3D1%2B1';
    expect(idsOf(await polling.json(path(job, `?${both}`)))).toEqual(['=1+1', 'lot-1']);
    expect(idsOf(await polling.json(path(job, `?${both}&lot_id=lot-1`)))).toEqual(['=1+1', 'lot-1']);
    expect(idsOf(await polling.json(path(job, '?lot_id[]=lot-1')))).toEqual(['lot-1']);
    expect((await polling.send(path(job, `/download?format=csv&${both}`))).status).toBe(200);
    const missing = await polling.json(path(job, `?${both}&lot_id[]=${'x'.repeat(999)}&lot_id[]=%00`));
    expect(missing.status).toBe(404);
    expect(missing.body).toMatchObject({
      code: 'LOT_NOT_FOUND',
      details: { lot_ids: ['x'.repeat(200), '\u0000'] },
    });
  });

  it('batch-results reads the parameters of Accept', async () => {
    const job = await finishedJob();
    const typeOf = async (accept: string) =>
      (await polling.send(path(job), { headers: { Accept: accept } })).headers.get('content-type');
    expect(await typeOf('application/x-ndjson;charset=utf-8')).toBe('application/x-ndjson; charset=utf-8');
    expect(await typeOf('application/json;q=0.5, application/x-ndjson;q=0.9')).toMatch(/^application\/x-ndjson/);
    expect(await typeOf('text/html')).toMatch(/^application\/json/);
  });

  it('batch-results names the query members that each route ignores', async () => {
    const job = await finishedJob();
    for (const [target, ignored] of [
      [path(job, '?lotid=a&partial=true'), 'lotid'],
      [path(job, '?format=csv'), 'format'],
      [path(job, '/download?format=csv&lot_id[]=lot-1'), null],
      [path(job, '/download?formt=csv'), 'formt'],
      [`/api/v1/batch-status/${job.id}?wait=25`, 'wait'],
      [`/api/v1/batch-jobs/${job.id}/events?x=1`, 'x'],
    ] as const) {
      const response = await polling.send(target);
      expect([target, response.status]).toEqual([target, 200]);
      expect(response.headers.get('x-ignored-parameters')).toBe(ignored);
      await response.body?.cancel();
    }
  });

  it('batch-results gives another key nothing', async () => {
    const job = await finishedJob();
    for (const rest of ['', '?partial=true', '?lot_id=lot-1', '/download', '/download?format=csv']) {
      const { status, body } = await polling.json(path(job, rest), { keyId: 'beta' });
      expect(status).toBe(404);
      expect(body).toMatchObject({ code: 'JOB_NOT_FOUND' });
    }
  });

  it.each(['?partial=yes', '?partial=true&partial=true', '/download?format=xml', '?lot_id=a&lot_id=b'])(
    'batch-results refuses %s and names the value',
    async (rest) => {
      const job = await finishedJob();
      const { status, body } = await polling.json(path(job, rest));
      expect(status).toBe(400);
      const field = /[?&](\w+)=/.exec(rest)?.[1];
      expect(body).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: field }] } });
    },
  );

  it('batch-results ignores query members that it does not know', async () => {
    const job = await finishedJob();
    expect((await polling.json(path(job, '?pretty=1&constructor=x'))).status).toBe(200);
  });

  describe('download', () => {
    it.each([
      ['', 'application/json; charset=utf-8', 'json'],
      ['?format=json', 'application/json; charset=utf-8', 'json'],
      ['?format=ndjson', 'application/x-ndjson; charset=utf-8', 'ndjson'],
      ['?format=csv', 'text/csv; charset=utf-8; header=present', 'csv'],
    ])('a download offers %s as a file', async (query, type, extension) => {
      const job = await finishedJob();
      const response = await polling.send(path(job, `/download${query}`));
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe(type);
      expect(response.headers.get('content-disposition')).toBe(
        `attachment; filename="batch_results_${job.id}.${extension}"`,
      );
      const text = await response.text();
      if (extension === 'json') expect(JSON.parse(text)).toEqual((await polling.json(path(job))).body);
      if (extension === 'ndjson') expect(text.trim().split('\n')).toHaveLength(2);
    });

    it('a download keeps spreadsheets from taking a cell for a formula', async () => {
      const job = await finishedJob();
      const response = await polling.send(path(job, '/download?format=csv'));
      // As bytes, because text() drops the byte order mark that a spreadsheet needs.
      expect(Buffer.from(await response.arrayBuffer()).toString('utf8')).toBe(
        '\ufeffjob_id,lot_id,status,language,damages,missing_images,error,text,needs_review,photo_problems\r\n' +
          `${job.id},'=1+1,completed,en,"<p>Dent, ""deep""</p>",,,"Dent, ""deep""",,\r\n` +
          `${job.id},'=1+1,completed,ru,<p>Вмятина</p>,,,Вмятина,,\r\n` +
          `${job.id},lot-1,failed,,,https://cdn.test/1.jpg,IMAGE_UNREACHABLE: No photo could be fetched.,,,not_found https://cdn.test/1.jpg\r\n`,
      );
    });
  });

  describe('of a large job', () => {
    it('the results of a large job are streamed, every lot once, gzipped where the client takes it', async () => {
      const job = await largeJob();
      const plain = await raw(path(job), { headers: { 'Accept-Encoding': 'gzip;q=0' } });
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(plain.headers['transfer-encoding']).toBe('chunked');
      expect(plain.headers.vary).toBe('Accept, Accept-Encoding');
      const text = await read(plain);
      const gzipped = await raw(path(job), { headers: { 'Accept-Encoding': 'br, gzip' } });
      expect(gzipped.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(await read(gzipped)).equals(text)).toBe(true);
      const { results } = JSON.parse(text.toString()) as { results: { lots: { lot_id: string }[] } };
      expect(results.lots.map(({ lot_id }) => lot_id)).toEqual(Array.from({ length: 20_000 }, (_, i) => `lot-${i}`));
    });

    it('the results of a large job stop being read when the client hangs up', async () => {
      const job = await largeJob();
      const reader = polling.app.get(LotResultReader, { strict: false });
      const readPages = reader.readPages.bind(reader);
      let pages = 0;
      const ended = new Promise<void>((resolve) => {
        reader.readPages = async function* (...args) {
          try {
            for await (const page of readPages(...args)) {
              pages++;
              yield page;
            }
          } finally {
            resolve();
          }
        };
      });
      try {
        const message = await raw(path(job));
        message.once('data', () => message.destroy());
        await ended;
        expect(pages).toBeLessThan(40);
      } finally {
        reader.readPages = readPages;
      }
    });

    it('the results of a large job cut the connection when reading fails after the first byte: the JSON is never closed', async () => {
      const job = await largeJob();
      await polling.db.database.execute('delete from batch_results where job_id = $1 and position = 15000', [job.id]);
      for (const encoding of ['identity', 'gzip']) {
        const message = await raw(path(job), { headers: { 'Accept-Encoding': encoding } });
        expect(message.statusCode).toBe(200);
        await expect(read(message)).rejects.toThrow('aborted');
        expect(message.complete).toBe(false);
      }
    });

    it('the results of a large job cut the connection when lots went while they were read', async () => {
      const job = await largeJob();
      await polling.db.database.execute('delete from batch_lots where job_id = $1 and position = 19999', [job.id]);
      await expect(read(await raw(path(job)))).rejects.toThrow('aborted');
    });
  });

  it('the results of a large job answer a failure before the first byte as an error', async () => {
    const job = await finishedJob();
    await polling.db.database.execute('delete from batch_results where job_id = $1', [job.id]);
    const { status, body } = await polling.json(path(job));
    expect(status).toBe(500);
    expect(body).toMatchObject({ code: 'INTERNAL_ERROR' });
    expect(JSON.stringify(body)).not.toContain('has no description');
  });

  it('the results of a large job answer HEAD with the headers alone', async () => {
    const job = await finishedJob();
    const response = await polling.send(path(job), { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });
});
