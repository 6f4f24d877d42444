import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { drawnCar } from '../../packages/openai-sandbox/test/support.js';
import { generate, Processes, type Process } from '../process/processes.js';
import { SECRETS, sign, TestService } from '../support/service.js';
import { Collector } from './collector.js';
import type { ReceivedSpan } from './otlp.js';
import { Others } from './others.js';

// Real: the service in a process of its own, PostgreSQL, HTTP, OpenTelemetry. Faked: OpenAI, by the sandbox; the collector.

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const ENDED = /completed|failed|cancelled/;
const LOADED = join(import.meta.dirname, '..', 'support', 'loaded-packages.mjs');

let observer: TestService;
let processes: Processes;
let others: Others;
let collector: Collector;

beforeAll(async () => {
  observer = await TestService.start({ environment: { ROLE: 'api' } });
  processes = await Processes.of(observer);
  others = await Others.start(await drawnCar('#ff00aa'), observer.sandbox.server.baseUrl);
});
beforeEach(async () => {
  await observer.reset();
  collector = await Collector.start();
});
afterEach(async () => {
  await processes.killAll();
  await collector.stop();
});
afterAll(async () => {
  others.stop();
  await observer.stop();
});

function start(
  endpoint = collector.url,
  environment: Record<string, string> = {},
  onLog?: (log: string) => void,
): Promise<Process> {
  const settings = {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OPENAI_API_KEY: 'openai-key-that-is-secret',
    // Gateways have their key in the query.
    OPENAI_BASE_URL: `${others.openAiUrl}?code=gateway-secret`,
    BATCH_POLL_INTERVAL: '0.2',
  };
  return processes.start({ ...settings, ...environment }, onLog);
}

/** What a client writes into a request, none of which may be in a span. */
function request(change: JsonObject = {}, lots = 1): JsonObject {
  return {
    version: '1.0.0',
    languages: ['en'],
    metadata: { note: 'client-metadata' },
    lots: Array.from({ length: lots }, (_, index) => ({
      lot_id: `client-lot-${index}-${Math.random()}`,
      additional_info: 'client-words about the car',
      images: [{ url: others.photoUrl(`photo-name-${index}`) }],
    })),
    ...change,
  };
}

/** Ends the process as an operator does: what is not sent yet is sent then. */
async function end({ child }: Process): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

function one(name: string, traceId?: string): ReceivedSpan {
  const found = collector.named(name, traceId);
  expect(found.map((span) => span.name)).toEqual([name]);
  return found[0] as ReceivedSpan;
}

function expectNothingSecret(): void {
  const sent = Buffer.concat(collector.bodies).toString('latin1');
  expect(sent.length).toBeGreaterThan(1000);
  const secrets = [...Object.values(SECRETS), 'openai-key-that-is-secret', 'gateway-secret', 'collector-token'];
  const tokens = ['path-token', 'query-token', 'photo-name'];
  const words = [
    'client-lot',
    'client-words',
    'client-metadata',
    'client-agent',
    'client-state',
    'client-query',
    'client-path',
  ];
  for (const text of [...secrets, ...tokens, ...words]) expect(sent, text).not.toContain(text);
}

describe('the trace of a lot that is answered at once', () => {
  it('the trace of a lot goes on from its client to OpenAI, with the job on each step, and ends there', async () => {
    const service = await start(collector.url, { OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=collector-token%2C1' });
    const headers = {
      traceparent: `00-${TRACE}-${CALLER}-01`,
      tracestate: 'vendor=client-state',
      baggage: 'user=client-state',
      'User-Agent': 'client-agent',
    };
    const { status, body } = await generate(service, request(), headers);
    expect(status).toBe(200);
    await end(service);
    const jobId = body['job_id'];

    const server = one('POST /api/v1/generate-descriptions', TRACE);
    expect(server).toMatchObject({ kind: 2, parentId: CALLER, traceState: '', attributes: { 'job.id': jobId } });
    expect(server.attributes).toMatchObject({ 'http.response.status_code': 200 });
    const job = one('sync job', TRACE);
    const photos = one('photos', TRACE);
    const vision = one('vision', TRACE);
    const call = one('openai create_response', TRACE);
    expect(call.attributes).toMatchObject({ outcome: 'ok', 'openai.try': 1, 'openai.model': 'gpt-5.6-terra' });
    const wire = one('POST', TRACE);
    expect(wire).toMatchObject({ kind: 3, parentId: call.spanId, attributes: { 'http.response.status_code': 200 } });
    for (const [child, parent] of [
      [photos, job],
      [vision, job],
      [call, vision],
    ] as const) {
      expect(child.parentId).toBe(parent.spanId);
    }
    const asked = collector.named('photo HEAD', TRACE);
    expect(asked).toMatchObject([
      { kind: 3, attributes: { 'server.address': '127.0.0.1', 'http.response.status_code': 200 } },
    ]);
    const inJob = collector.spans.filter(({ attributes }) => attributes['job.id'] === jobId);
    expect(inJob.some(({ attributes }) => attributes['db.system.name'] === 'postgresql')).toBe(true);
    for (const span of [job, photos, vision, call, wire, ...asked]) expect(span.attributes['job.id']).toBe(jobId);

    const [told] = others.openAi.filter(({ url }) => url.startsWith('/v1/responses'));
    expect(told?.headers['traceparent']).toBe(`00-${TRACE}-${wire.spanId}-01`);
    expect([told?.headers['tracestate'], told?.headers['baggage']]).toEqual([undefined, undefined]);
    expect(others.photos.length).toBeGreaterThan(0);
    for (const seen of others.photos) expect(seen.headers['traceparent']).toBeUndefined();
    expect(collector.headers[0]).toMatchObject({ 'x-collector-key': 'collector-token,1' });
    expectNothingSecret();
  });

  it('the trace of a call that fails has each try, and the log has the trace', async () => {
    await observer.faults({ action: 'status', status: 500, path: '/v1/responses', count: 1 });
    const service = await start(collector.url, { BASE_DELAY_SEC: '0.01' });
    const { status } = await generate(service, request(), { traceparent: `00-${TRACE}-${CALLER}-01` });
    expect(status).toBe(200);
    await end(service);
    const tries = collector.named('openai create_response', TRACE);
    const seen = tries.map(({ attributes, status: code }) => [attributes['openai.try'], attributes['outcome'], code]);
    expect(seen).toEqual([
      [1, 'server', 2],
      [2, 'ok', 0],
    ]);
    for (const span of collector.spans) expect([span.events, span.statusMessage, span.traceState]).toEqual([0, '', '']);
    const line =
      service
        .log()
        .split('\n')
        .find((text) => text.includes('OpenAI request failed')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ trace_id: TRACE });
  });

  it('the trace of a refused or unknown request has no word of it', async () => {
    const service = await start();
    const wrong = await generate(service, { lots: 'client-words' });
    expect(wrong.status).toBe(400);
    await fetch(`${service.origin}/client-path?client-query=1`, { headers: { 'User-Agent': 'client-agent' } });
    await fetch(`${service.origin}/api/v1/batch-status/client-path?client-query=1`);
    const jobId = '01890a5d-ac96-774b-bcce-b302099a8057';
    const unknown = `/api/v1/batch-status/${jobId}`;
    expect((await fetch(service.origin + unknown, { headers: sign(unknown, '') })).status).toBe(404);
    // Those who watch the service make no traces.
    for (const path of ['/health', '/ready', '/metrics']) await fetch(service.origin + path);
    await end(service);
    const servers = collector.spans.filter(({ kind }) => kind === 2);
    const told = servers.map(({ attributes }) => attributes);
    const statuses = told.map((attributes) => Number(attributes['http.response.status_code']));
    expect(statuses.toSorted((a, b) => a - b)).toEqual([400, 401, 404, 404]);
    expect(told.flatMap((attributes) => attributes['job.id'] ?? [])).toEqual([jobId]);
    expectNothingSecret();
  });
});

describe('the traces of a batch', () => {
  it('the traces of a batch are one for each run of a stage and each delivery, found by the job', async () => {
    const service = await start();
    const webhook_url = others.webhookUrl;
    const { status, body } = await generate(service, request({ webhook_url }, 3), {
      traceparent: `00-${TRACE}-${CALLER}-01`,
    });
    expect(status).toBe(201);
    const jobId = String(body['job_id']);
    const last = await observer.statusWhen(jobId, (now) => ENDED.test(String(now['status'])));
    expect(last['status']).toBe('completed');
    await collector.when((spans) => spans.some(({ name }) => name === 'delivery'));
    await end(service);

    const traces = new Set<string>();
    for (const stage of ['photos', 'submit', 'watch', 'take-in']) {
      const runs = collector.named(`stage ${stage}`);
      expect(runs.length, stage).toBeGreaterThan(0);
      for (const run of runs) {
        expect(run).toMatchObject({ parentId: '', attributes: { 'job.id': jobId, stage, 'stage.first_position': 0 } });
        traces.add(run.traceId);
      }
    }
    const delivery = one('delivery');
    expect(delivery).toMatchObject({ parentId: '', attributes: { outcome: 'delivered', 'delivery.attempt': 1 } });
    expect(one('webhook POST', delivery.traceId).parentId).toBe(delivery.spanId);
    expect([...traces]).not.toContain(TRACE);
    for (const operation of ['upload_file', 'create_batch', 'retrieve_batch', 'file_content']) {
      const [call] = collector.named(`openai ${operation}`);
      expect(call?.attributes, operation).toMatchObject({ 'job.id': jobId, outcome: 'ok' });
      expect([...traces], operation).toContain(call?.traceId);
    }
    // What the request itself did is in its trace, and no stage is.
    expect(one('POST /api/v1/generate-descriptions', TRACE).attributes['job.id']).toBe(jobId);
    expect(others.webhooks).toHaveLength(1);
    expect(others.webhooks[0]?.headers['traceparent']).toBeUndefined();
    expectNothingSecret();
  });
});

describe('a collector that is away', () => {
  it('a collector that is away is told of once, costs no request, and is used again when it is back', async () => {
    const { port } = collector;
    await collector.stop();
    const seen = new EventEmitter();
    const away = once(seen, 'away');
    const back = once(seen, 'back');
    const service = await start(`http://127.0.0.1:${port}`, {}, (log) => {
      if (log.includes('traces cannot be sent')) seen.emit('away');
      if (log.includes('the collector takes traces again')) seen.emit('back');
    });
    expect((await generate(service, request())).status).toBe(200);
    await away;
    collector = await Collector.start(port);
    expect((await generate(service, request())).status).toBe(200);
    await back;
    await end(service);
    expect(service.log().split('traces cannot be sent')).toHaveLength(2);
    expect(service.log()).toContain('ECONNREFUSED');
    expect(collector.named('sync job')).not.toEqual([]);
  });

  it('a collector that never answers delays the end of the process by seconds at most', async () => {
    await collector.stop();
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const service = await start(`http://127.0.0.1:${port}`);
    expect((await generate(service, request())).status).toBe(200);
    await end(service);
    expect(service.child.exitCode).toBe(0);
    silent.close();
    collector = await Collector.start();
  });
});

describe('a service without traces', () => {
  it('a service without traces loads nothing of OpenTelemetry', async () => {
    const counts: unknown[] = [];
    for (const endpoint of ['', collector.url]) {
      const service = await start(endpoint, { NODE_OPTIONS: `--import=${LOADED}` });
      expect((await generate(service, request())).status).toBe(200);
      await end(service);
      const line =
        service
          .log()
          .split('\n')
          .find((text) => text.includes('opentelemetry_files')) ?? '{}';
      counts.push((JSON.parse(line) as JsonObject)['opentelemetry_files']);
    }
    expect(counts[0]).toBe(0);
    expect(counts[1]).toBeGreaterThan(50);
  });
});
