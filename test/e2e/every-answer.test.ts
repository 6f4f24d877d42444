import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { documentedAnswers, expectDocumented, seenAnswers } from '../docs/answer-check.js';
import { administer } from '../support/database.js';
import { OutboundClient } from '../../src/outbound/outbound-client.js';
import { PhotoChecker } from '../../src/images/photo-checker.js';
import { GENERATE, sign, TestService, type Answer } from '../support/service.js';

// Every answer that openapi.json describes is asked for here once, of the whole service; the last test names those that were
// not. What an answer holds is looked at where it is checked: in expectDocumented.

interface Asked {
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

/** Each operation as `GET /api/v1/batch-jobs`. */
const operations = [...new Set(documentedAnswers.map((answer) => answer.split(' ', 2).join(' ')))];
const signed = operations.filter((operation) => operation.includes('/api/'));
const withStatus = (status: number) => signed.filter((each) => hasStatus(each, status));
const hasStatus = (operation: string, status: number) =>
  documentedAnswers.some((answer) => answer.startsWith(`${operation} ${status}`));

/** No worker, so a batch stays as it was accepted until it is cancelled. */
let service: TestService;
/** One lot that was described at once. */
let done: string;
/** A batch with a webhook. */
let batch: string;
/** The delivery of its end. */
let delivery = 'none';
const JSON_TYPE = { 'content-type': 'application/json' };
/** The one signed route that needs no database. */
const PHOTO_CHECK = 'POST /api/v1/photo-check';
const UNKNOWN = '01890000-0000-7000-8000-000000000000';
const RETRY_JOB = 'POST /api/v1/batch-jobs/{job_id}/retry';

beforeAll(async () => {
  // Other files of this process have received answers too.
  seenAnswers.clear();
  service = await TestService.start({ environment: { ROLE: 'api', LEGACY_UNSIGNED_READS: 'true', MAX_LOTS: '2' } });
  const include = ['assessment', 'usage'];
  const metadata = { auction: 'A-17' };
  const first = await service.generate(service.request({ languages: ['en', 'de', 'fi'], include, metadata }));
  expect(first.status).toBe(200);
  done = String(first.body['job_id']);
  const second = await service.generate(
    service.request({ mode: 'batch', webhook_url: service.photos.url('hook'), metadata }),
  );
  expect(second.status).toBe(201);
  batch = String(second.body['job_id']);
});
afterAll(() => service.stop());

/** Any method with any body, which fetch does not send with a GET. */
async function send(to: TestService, operation: string, jobId: string, asked: Asked = {}): Promise<number> {
  const [method, path] = pathOf(operation, jobId);
  const client = request({ port: to.port, host: '127.0.0.1', method, path, headers: asked.headers, agent: false });
  client.end(asked.body);
  const [response] = (await once(client, 'response')) as [IncomingMessage];
  return seen(method, path, response);
}

async function seen(method: string, path: string, response: IncomingMessage): Promise<number> {
  const status = response.statusCode ?? 0;
  const contentType = response.headers['content-type'] ?? null;
  expectDocumented({ method, path, status, contentType, text: await text(response) });
  return status;
}

function pathOf(operation: string, jobId: string): [method: string, path: string] {
  const [method, path] = operation.split(' ') as [string, string];
  return [method, path.replace('{job_id}', jobId).replace('{id}', delivery)];
}

/** The same with a signature that is right. */
function sendSigned(to: TestService, operation: string, jobId: string, asked: Asked = {}): Promise<number> {
  const [method, path] = pathOf(operation, jobId);
  const { body = '' } = asked;
  const headers = {
    ...sign(path, body, { method }),
    ...(body === '' ? {} : { ...JSON_TYPE, 'content-length': String(Buffer.byteLength(body)) }),
    ...asked.headers,
  };
  return send(to, operation, jobId, { body, headers });
}

/** A body that an operation takes; none where it needs none. */
function bodyFor(operation: string): Asked {
  if (operation.endsWith(GENERATE)) return { body: JSON.stringify(service.request()) };
  if (operation === PHOTO_CHECK) return { body: JSON.stringify({ images: [service.urls.car] }) };
  return operation.endsWith('/ping') ? { body: JSON.stringify({ url: service.photos.url('hook') }) } : {};
}

function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return service.send(path, { headers });
}

describe('what every signed route may refuse', () => {
  it.each(withStatus(400))('%s answers 400 for a body that is no JSON', async (operation) => {
    expect(await sendSigned(service, operation, done, { body: '{' })).toBe(400);
  });

  it.each(withStatus(401))('%s answers 401 for a signature without its time', async (operation) => {
    expect(await send(service, operation, done, { headers: { ...JSON_TYPE, 'x-signature': 'v1=0' } })).toBe(401);
  });

  it.each(withStatus(403))('%s answers 403 for a signature of something else', async (operation) => {
    expect(await send(service, operation, done, { headers: { ...JSON_TYPE, ...sign('/elsewhere', '') } })).toBe(403);
  });

  it.each(withStatus(413).filter((each) => !each.endsWith(GENERATE)))(
    '%s answers 413 for a long body',
    async (operation) => {
      const [method, path] = pathOf(operation, done);
      const headers = { ...sign(path, '', { method }), ...JSON_TYPE, 'content-length': '600000' };
      const client = request({ port: service.port, host: '127.0.0.1', method, path, headers, agent: false });
      client.flushHeaders();
      const [response] = (await once(client, 'response')) as [IncomingMessage];
      // What was announced is never sent.
      client.on('error', () => undefined);
      expect(await seen(method, path, response)).toBe(413);
      client.destroy();
    },
  );

  it.each(withStatus(415))('%s answers 415 for a body that is said to be none of JSON', async (operation) => {
    const asked = { body: '{}', headers: { 'content-type': 'text/plain' } };
    expect(await sendSigned(service, operation, done, asked)).toBe(415);
  });

  it.each(withStatus(404))('%s answers 404 for a job that is not there', async (operation) => {
    expect(await sendSigned(service, operation, UNKNOWN)).toBe(404);
  });

  it('every signed route answers 429 once the limit of the minute is used up', async () => {
    const limits = { RATE_LIMIT_SYNC: '1', RATE_LIMIT_BATCH: '1', RATE_LIMIT_POLLING: '1' };
    const environment = { ROLE: 'api', LEGACY_UNSIGNED_READS: 'true', ...limits };
    const busy = await TestService.start({ beside: service, environment });
    try {
      const polled = await sendSigned(busy, 'GET /api/v1/batch-jobs', done);
      const replayed = await sendSigned(busy, 'POST /api/v1/batch-jobs/{job_id}/webhooks/replay', UNKNOWN);
      const retried = await sendSigned(busy, RETRY_JOB, UNKNOWN);
      expect([polled, replayed, retried]).toEqual([200, 404, 404]);
      for (const operation of withStatus(429)) {
        expect([operation, await sendSigned(busy, operation, done, bodyFor(operation))]).toEqual([operation, 429]);
      }
    } finally {
      await busy.stop();
    }
  });
});

describe('what is read', () => {
  it("the operators' routes say that the process lives and can work", async () => {
    expect((await get('/health')).status).toBe(200);
    expect((await get('/ready')).status).toBe(200);
  });

  it('batch-status shows a status, and 304 to whoever has it', async () => {
    const { status, headers } = await get(`/api/v1/batch-status/${done}`);
    expect(status).toBe(200);
    const known = { 'if-none-match': String(headers.get('etag')) };
    expect((await get(`/api/v1/batch-status/${done}`, known)).status).toBe(304);
    expect((await get(`/api/v1/batch-status/${batch}`)).status).toBe(200);
  });

  it('batch-results shows results in each of their types, and 202 while the job runs', async () => {
    const path = `/api/v1/batch-results/${done}`;
    const asked = [
      [path, 'application/json'],
      [path, 'application/x-ndjson'],
      [`${path}/download`, '*/*'],
      [`${path}/download?format=ndjson`, '*/*'],
      [`${path}/download?format=csv`, '*/*'],
    ] as const;
    for (const [target, accept] of asked) expect((await get(target, { accept })).status).toBe(200);
    expect((await get(`/api/v1/batch-results/${batch}`)).status).toBe(202);
    expect((await get(`/api/v1/batch-results/${batch}/download`)).status).toBe(202);
  });

  it('batch-jobs are listed, and one is shown as the older service did', async () => {
    for (const path of ['batch-jobs', `jobs/${done}`, `jobs/${batch}`, `jobs/${done}/status`]) {
      expect((await get(`/api/v1/${path}`)).status).toBe(200);
    }
  });

  it('the usage of the key is told', async () => {
    expect((await get('/api/v1/usage?group_by=model')).status).toBe(200);
  });

  it('photos are looked at, and an address that no photo may have is refused', async () => {
    expect(await sendSigned(service, PHOTO_CHECK, done, bodyFor(PHOTO_CHECK))).toBe(200);
    expect(await sendSigned(service, PHOTO_CHECK, done, { body: '{"images":["ftp://cdn.example.com/1.jpg"]}' })).toBe(
      422,
    );
  });

  it('the events of a job are told, and nothing more to whoever knows the last', async () => {
    const path = `/api/v1/batch-jobs/${done}/events`;
    const response = await fetch(service.origin + path, { headers: sign(path, '') });
    const events = await response.text();
    const contentType = response.headers.get('content-type');
    expectDocumented({ method: 'GET', path, status: response.status, contentType, text: events });
    const last = /^id: (.*)$/m.exec(events)?.[1] ?? '';
    expect((await get(path, { 'last-event-id': last })).status).toBe(204);
  });
});

describe('what is commanded', () => {
  const CANCEL = 'POST /api/v1/batch-jobs/{job_id}/cancel';
  const RETRY = 'POST /api/v1/batch-jobs/{job_id}/deliveries/{id}/retry';
  const REPLAY = 'POST /api/v1/batch-jobs/{job_id}/webhooks/replay';
  const PING = 'POST /api/v1/webhooks/ping';
  const key = (name: string) => ({ headers: { 'idempotency-key': name } });

  it('a job is paused and resumed as often as it is asked for', async () => {
    for (const what of ['pause', 'resume']) {
      const operation = `POST /api/v1/batch-jobs/{job_id}/${what}`;
      expect(await sendSigned(service, operation, batch, key(what))).toBe(200);
      expect(await sendSigned(service, operation, batch)).toBe(200);
      expect(await sendSigned(service, operation, done)).toBe(409);
      expect(await sendSigned(service, operation, batch, { ...key(what), body: '{"other":1}' })).toBe(422);
    }
  });

  it('a job is cancelled once, and not retried before', async () => {
    expect(await sendSigned(service, RETRY_JOB, batch)).toBe(409);
    expect(await sendSigned(service, CANCEL, batch, key('cancel'))).toBe(200);
    expect(await sendSigned(service, CANCEL, batch)).toBe(409);
    expect(await sendSigned(service, CANCEL, batch, { ...key('cancel'), body: '{"other":1}' })).toBe(422);
  });

  it('the lots of a cancelled job are retried once, and told of before', async () => {
    const codes = ['CANCELLED'];
    expect(await sendSigned(service, RETRY_JOB, batch, { body: JSON.stringify({ codes, dry_run: true }) })).toBe(200);
    expect(await sendSigned(service, RETRY_JOB, batch, { body: JSON.stringify({ codes }) })).toBe(201);
    expect(await sendSigned(service, RETRY_JOB, batch, { body: JSON.stringify({ codes, lot_ids: null }) })).toBe(422);
  });

  it("the deliveries of a job's end are listed", async () => {
    const { status, body } = await get(`/api/v1/batch-jobs/${batch}/deliveries`);
    expect(status).toBe(200);
    delivery = (body['deliveries'] as { id: string }[])[0]?.id ?? '';
    expect((await get('/api/v1/webhook-deliveries')).status).toBe(200);
  });

  it.each([
    [RETRY, 202],
    [REPLAY, 202],
    [PING, 200],
  ])('%s answers %i, and 422 for its key with another body', async (operation, status) => {
    const asked = { ...bodyFor(operation), ...key('sent') };
    expect(await sendSigned(service, operation, batch, asked)).toBe(status);
    expect(await sendSigned(service, operation, batch, asked)).toBe(status);
    const other = { ...(JSON.parse(asked.body ?? '{}') as object), other: 1 };
    expect(await sendSigned(service, operation, batch, { ...asked, body: JSON.stringify(other) })).toBe(422);
  });

  it.each([RETRY, REPLAY, PING])('%s answers 409 while the same request is being taken in', async (operation) => {
    await service.db.database.transaction(async (tx) => {
      // The first of the two: its key is written and not committed.
      await tx.execute(
        `insert into request_keys (key_id, kind, value, job_id, body_hash, expires_at)
         values ('acme', 'idempotency', $1, $2, '', now() + interval '1 hour')`,
        [`${pathOf(operation, batch).join(' ')} open`, UNKNOWN],
      );
      expect(await sendSigned(service, operation, batch, { ...bodyFor(operation), ...key('open') })).toBe(409);
    });
  });
});

describe('what POST generate-descriptions answers beside', () => {
  it('generate-descriptions answers 202 for work that takes longer than its client waits', async () => {
    const slow = await TestService.start({ beside: service, environment: { ROLE: 'api', SYNC_TIMEOUT: '1' } });
    try {
      const photo = await service.heldPhoto();
      const { status, body } = await slow.generate(slow.request({}, { images: [{ url: photo.url }] }));
      expect(status).toBe(202);
      photo.release();
      await slow.statusWhen(String(body['job_id']), (shown) => shown['status'] === 'completed');
    } finally {
      await slow.stop();
    }
  });

  it('generate-descriptions answers 409, 413 and 422 for lots and languages that it cannot take', async () => {
    const [lot] = service.request()['lots'] as object[];
    const change = [{ lots: [lot, lot] }, { lots: [lot, lot, lot] }, { languages: ['xx'] }];
    const answers = await Promise.all(change.map((each) => service.generate(service.request(each))));
    expect(answers.map(({ status }) => status)).toEqual([409, 413, 422]);
  });

  it('generate-descriptions answers 502 and 504 for what OpenAI fails to do', async () => {
    await service.faults({ action: 'status', status: 400, count: 1, path: '/v1/responses' });
    expect((await service.generate(service.request())).status).toBe(502);
    await service.reset();
    const hasty = await TestService.start({ beside: service, environment: { ROLE: 'api', OPENAI_TIMEOUT: '1' } });
    try {
      await service.faults({ action: 'hang', path: '/v1/responses' });
      expect((await hasty.generate(hasty.request())).status).toBe(504);
    } finally {
      await hasty.stop();
      await service.reset();
    }
  });
});

describe('what fails on our side', () => {
  it('the service answers 500 where a table is not what it was', async () => {
    const tables = ['batch_jobs', 'key_usage', 'request_keys', 'webhook_deliveries'];
    const { database } = service.db;
    for (const table of tables) await database.execute(`alter table ${table} rename to ${table}_gone`);
    for (const operation of withStatus(500).filter((each) => each !== PHOTO_CHECK)) {
      expect([operation, await sendSigned(service, operation, done, bodyFor(operation))]).toEqual([operation, 500]);
    }
    for (const table of tables) await database.execute(`alter table ${table}_gone rename to ${table}`);
  });

  it('photo-check answers 500 for a mistake of ours, and 503 when its connections are closed', async () => {
    const mistake = vi.spyOn(service.app.get(PhotoChecker), 'check').mockRejectedValue(new Error('a mistake'));
    expect(await sendSigned(service, PHOTO_CHECK, done, bodyFor(PHOTO_CHECK))).toBe(500);
    mistake.mockRestore();
    const ending = await TestService.start({ beside: service, environment: { ROLE: 'api' } });
    await ending.app.get(OutboundClient).onApplicationShutdown();
    expect(await sendSigned(ending, PHOTO_CHECK, done, bodyFor(PHOTO_CHECK))).toBe(503);
    await ending.stop();
  });

  it('the service answers 503 where the database is away', async () => {
    const name = new URL(service.db.url).pathname.slice(1);
    await administer(`drop database ${name} with (force)`);
    for (const operation of operations.filter((each) => hasStatus(each, 503) && each !== PHOTO_CHECK)) {
      expect([operation, await sendSigned(service, operation, done, bodyFor(operation))]).toEqual([operation, 503]);
    }
    await administer(`create database ${name} template ${inject('templateDatabase')}`);
  });
});

it('every answer of the document has come', () => {
  expect(documentedAnswers.length).toBeGreaterThan(150);
  expect(documentedAnswers.filter((answer) => !seenAnswers.has(answer))).toEqual([]);
});
