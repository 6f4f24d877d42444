import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JsonObject } from 'openai-sandbox';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drawnCar } from '../../packages/openai-sandbox/test/support.js';
import { TestService, type Answer } from '../support/service.js';
import { expectRefusal } from './refusal.js';

// Real: the whole service with its worker, HTTP, PostgreSQL, a receiver of webhooks. Faked: OpenAI, by the sandbox.

const TEN = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
const ENDED = /completed|failed|cancelled/;

let service: TestService;
let receiver: Receiver;
let car: Buffer;
let jobs = 0;

beforeAll(async () => {
  service = await TestService.start({ environment: { BATCH_POLL_INTERVAL: '0.2' } });
  receiver = await Receiver.start();
  car = await drawnCar('#ff00aa');
});
beforeEach(() => service.reset());
afterAll(async () => {
  receiver.close();
  await service.stop();
});

/** Keeps what is sent to it, by job. */
class Receiver {
  private readonly bodies: JsonObject[] = [];
  private constructor(private readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new Receiver(server);
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        receiver.bodies.push(JSON.parse(body) as JsonObject);
        response.writeHead(204).end();
        server.emit('kept');
      });
    });
    return receiver;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${path}`;
  }

  async whenSent(jobId: string): Promise<JsonObject> {
    for (;;) {
      const found = this.bodies.find((body) => body['job_id'] === jobId);
      if (found !== undefined) return found;
      await once(this.server, 'kept');
    }
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

interface Made {
  readonly jobId: string;
  /** Makes the photos of some lots appear, as a client does that corrects them. */
  readonly correct: (names: string) => void;
  readonly lotId: (name: string) => string;
}

/** Sends a batch of ten lots and waits for its end. The photos of `gone` are not there yet. */
async function batch(gone: string, change: JsonObject = {}, names = TEN): Promise<Made> {
  const made = await sendBatch(gone, change, names);
  await ended(made.jobId);
  return made;
}

async function sendBatch(gone: string, change: JsonObject = {}, names = TEN): Promise<Made> {
  const prefix = `job${++jobs}`;
  const photo = (name: string) => `${prefix}-${name}.jpg`;
  for (const name of names) if (!gone.includes(name)) service.photos.serve(photo(name), car);
  const lots = names.map((name) => ({
    lot_id: `${prefix}-${name}`,
    images: [service.photos.url(photo(name))],
    additional_info: `Лот ${name}`,
  }));
  const answer = await service.generate(service.request({ mode: 'batch', lots, ...change }));
  expect(answer.status).toBe(201);
  return {
    jobId: String(answer.body['job_id']),
    correct: (corrected) => {
      for (const name of corrected) service.photos.serve(photo(name), car);
    },
    lotId: (name) => `${prefix}-${name}`,
  };
}

const ended = (jobId: string) => service.statusWhen(jobId, (body) => ENDED.test(String(body['status'])));
const pathOf = (jobId: string) => `/api/v1/batch-jobs/${jobId}/retry`;

function retry(jobId: string, body: JsonObject = {}): Promise<Answer> {
  const headers = { 'Content-Type': 'application/json' };
  return service.send(pathOf(jobId), { method: 'POST', headers }, JSON.stringify(body));
}

async function retried(jobId: string, body?: JsonObject): Promise<string> {
  const answer = await retry(jobId, body);
  expect([answer.status, answer.body['code']]).toEqual([201, undefined]);
  return String(answer.body['job_id']);
}

async function lotsOf(jobId: string): Promise<{ lot_id: string; status: string }[]> {
  const { body } = await service.send(`/api/v1/batch-results/${jobId}`);
  return ((body['results'] as JsonObject)['lots'] as JsonObject[]).map((lot) => ({
    lot_id: String(lot['lot_id']),
    status: String(lot['status']),
  }));
}

describe('three failed lots of ten', () => {
  it('three failed lots of ten are retried and completed, and the old job stays as it was', async () => {
    const old = await batch('cfj', {
      languages: ['en', 'de'],
      webhook_url: receiver.url('job'),
      include: ['usage'],
      metadata: { auction: 'A-17' },
      max_cost_usd: 5,
    });
    const before = await service.job(old.jobId);
    const resultsBefore = await lotsOf(old.jobId);
    expect(before).toMatchObject({ status: 'completed', processed_lots: 7, failed_lots: 3 });
    old.correct('cfj');

    const dry = await retry(old.jobId, { dry_run: true });
    expect(dry).toMatchObject({ status: 200, body: { lots: 3, warnings: [] } });
    const answer = await retry(old.jobId);
    expect(answer.status).toBe(201);
    const jobId = String(answer.body['job_id']);
    expect(answer.headers.get('location')).toBe(`/api/v1/batch-status/${jobId}`);
    expect(answer.body).toEqual({
      ...answer.body,
      status: 'accepted',
      total_lots: 3,
      lots_count: 3,
      languages: ['en', 'de'],
      processing_mode: 'batch',
      webhook_configured: true,
      estimated_cost_usd: dry.body['estimated_cost_usd'],
      warnings: [],
      retry_of: old.jobId,
    });

    expect(await ended(jobId)).toMatchObject({
      status: 'completed',
      retry_of: old.jobId,
      retried_by: [],
      metadata: { auction: 'A-17' },
      progress: { total_lots: 3, processed_lots: 3, failed_lots: 0 },
    });
    const { body } = await service.send(`/api/v1/batch-results/${jobId}`);
    const lots = (body['results'] as JsonObject)['lots'] as JsonObject[];
    expect(body['retry_of']).toBe(old.jobId);
    expect(lots.map(({ lot_id }) => lot_id)).toEqual(['c', 'f', 'j'].map(old.lotId));
    for (const lot of lots) {
      expect(lot).toMatchObject({ status: 'completed', descriptions: [{ language: 'en' }, { language: 'de' }] });
      expect(lot).toHaveProperty('usage');
    }
    expect(await receiver.whenSent(jobId)).toMatchObject({
      event: 'batch_job_completed',
      retry_of: old.jobId,
      total_lots: 3,
      metadata: { auction: 'A-17' },
    });
    expect(await receiver.whenSent(old.jobId)).not.toHaveProperty('retry_of');

    const { body: shown } = await service.send(`/api/v1/batch-status/${old.jobId}`);
    expect(shown).toMatchObject({ status: 'completed', retry_of: null, retried_by: [jobId] });
    expect(await service.job(old.jobId)).toEqual(before);
    expect(await lotsOf(old.jobId)).toEqual(resultsBefore);
    const { body: list } = await service.send('/api/v1/batch-jobs?limit=2');
    expect((list['jobs'] as JsonObject[]).map(({ id, retry_of }) => ({ id, retry_of }))).toEqual([
      { id: jobId, retry_of: old.jobId },
      { id: old.jobId, retry_of: null },
    ]);
    const copied = 'languages, webhook_url, options, metadata, glossaries, secret_fingerprint, key_id';
    const rows = await service.db.database.query(
      `select ${copied} from batch_jobs where id = any($1::uuid[]) order by id`,
      [[old.jobId, jobId]],
    );
    expect(rows[1]).toEqual(rows[0]);
    expectRefusal(await retry(old.jobId), 'NOTHING_TO_RETRY', {
      details: { codes: { IMAGE_UNREACHABLE: 3 }, lots_in_other_retries: 3, retried_by: [jobId] },
    });
  });
});

describe('lots that fail again', () => {
  it('lots that fail again in a retry are retried from it, and the chain can be followed', async () => {
    const first = await batch('cfj');
    first.correct('c');
    const second = await retried(first.jobId);
    expect(await ended(second)).toMatchObject({ progress: { processed_lots: 1, failed_lots: 2 } });
    first.correct('fj');
    const third = await retried(second, { codes: ['IMAGE_UNREACHABLE'] });
    expect(await ended(third)).toMatchObject({ retry_of: second, progress: { processed_lots: 2, failed_lots: 0 } });
    expect(await lotsOf(third)).toEqual(['f', 'j'].map((name) => ({ lot_id: first.lotId(name), status: 'completed' })));
    const retriedBy = async (jobId: string) => (await service.send(`/api/v1/batch-status/${jobId}`)).body['retried_by'];
    expect([await retriedBy(first.jobId), await retriedBy(second)]).toEqual([[second], [third]]);
    expectRefusal(await retry(first.jobId), 'NOTHING_TO_RETRY', {
      details: { codes: { IMAGE_UNREACHABLE: 3 }, lots_in_other_retries: 3, retried_by: [second, third].toSorted() },
    });
  });

  it('lots of a job that was cancelled at OpenAI are described by a retry', async () => {
    await service.faults({ action: 'batch_stuck', state: 'in_progress' });
    const { jobId, lotId } = await sendBatch('', {}, ['a', 'b']);
    await service.statusWhen(jobId, (body) => {
      const batches = body['openai_batches'] as JsonObject[];
      return batches.some(({ openai_status }) => openai_status === 'in_progress');
    });
    expectRefusal(await retry(jobId), 'JOB_NOT_FINISHED', { status: 'processing' });
    expect((await service.send(`/api/v1/batch-jobs/${jobId}/cancel`, { method: 'POST' })).status).toBe(200);
    await service.reset();
    const again = await retried(jobId, { codes: ['CANCELLED'] });
    expect(await ended(again)).toMatchObject({ status: 'completed', retry_of: jobId });
    expect(await lotsOf(again)).toEqual(['a', 'b'].map((name) => ({ lot_id: lotId(name), status: 'completed' })));
  });
});
