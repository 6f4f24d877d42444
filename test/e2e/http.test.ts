import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { JsonLogger } from '../../src/common/logger.js';
import type { JsonObject } from 'openai-sandbox';
import { sendRaw } from '../generation/http-support.js';
import { GENERATE, hmac, SECRETS, TestService } from '../support/service.js';
import { expectRefusal, refused } from './refusal.js';

let service: TestService;

beforeAll(async () => {
  service = await TestService.start();
});
beforeEach(() => service.reset());
afterAll(() => service.stop());

/** Another process with other settings, beside the first. */
async function withSettings(environment: Record<string, string>, work: (other: TestService) => Promise<void>) {
  const other = await TestService.start({ beside: service, environment });
  try {
    await work(other);
  } finally {
    await other.stop();
  }
}

describe('a path or method that is not there', () => {
  it.each(['GET', 'PUT', 'PATCH', 'DELETE'])('%s generate-descriptions is answered 405 with Allow', async (method) => {
    const answer = await service.send(GENERATE, { method });
    expectRefusal(answer, 'METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('HEAD and TRACE are answered 405 with Allow, HEAD without a body', async () => {
    for (const method of ['HEAD', 'TRACE']) {
      const answer = await sendRaw(service.port, [`${method} ${GENERATE} HTTP/1.1`, 'Host: h', 'Connection: close']);
      expect(answer.status).toBe(405);
      expect(answer.headers).toContain('allow: post');
    }
    const head = await service.sendAsIs('/health', 'HEAD', {});
    expect([head.status, head.body]).toEqual([200, {}]);
  });

  it.each(['/api', '/api/v1', '/api/v1/generate', '/api/v2/generate-descriptions', '/%ff', '/..%2f..%2fetc/passwd'])(
    '%s is answered 404 as JSON',
    async (path) => {
      await refused(service, () => service.send(path), 'NOT_FOUND');
    },
  );

  it('a 404 names what took the place of a path of the older service', async () => {
    const { body } = await service.send('/api/v1/generate', { method: 'POST' });
    expect(body).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('POST /api/v1/generate-descriptions'),
    });
  });
});

describe('bytes that are no request', () => {
  it.each([
    ['a method that HTTP does not know', 400, ['FOO / HTTP/1.1', 'Host: h']],
    ['two lengths', 400, ['POST /health HTTP/1.1', 'Host: h', 'Content-Length: 1', 'Content-Length: 2']],
    ['headers without end', 431, ['GET /health HTTP/1.1', 'Host: h', `X-Long: ${'x'.repeat(70_000)}`]],
  ])('bytes that are no request are answered as JSON: %s with %i', async (_name, status, lines) => {
    const answer = await sendRaw(service.port, lines);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatch(/content-type: application\/json/);
    expect(answer.json).toMatchObject({ code: 'VALIDATION_FAILED', request_id: expect.any(String) });
  });

  it('an expectation that nobody knows is ignored', async () => {
    const answer = await sendRaw(service.port, ['GET /health HTTP/1.1', 'Host: h', 'Expect: foo', 'Connection: close']);
    expect(answer.status).toBe(200);
  });
});

describe('a request id', () => {
  it("a request id is the client's own where that is harmless, else a new one", async () => {
    const own = await service.sendAsIs('/nothing', 'GET', { 'X-Request-Id': 'client-7.a_B' });
    expect(own.body['request_id']).toBe('client-7.a_B');
    for (const hostile of ['a b', '"><script>', 'x'.repeat(65), '{"a":1}']) {
      const { body, headers } = await service.sendAsIs('/nothing', 'GET', { 'X-Request-Id': hostile });
      expect(body['request_id']).not.toBe(hostile);
      expect(headers.get('x-request-id')).toBe(body['request_id']);
    }
  });

  it('a request id stands in the log lines of its request, and no secret or text of the client does', async () => {
    const lines: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    const errors = vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    const other = await TestService.start({ beside: service, logger: new JsonLogger('debug') });
    try {
      await service.faults({ action: 'status', status: 500, path: '/v1/responses', count: 2 });
      const lot = { additional_info: 'words-of-the-client' };
      const headers = { 'X-Request-Id': 'trace-me' };
      expect((await other.generate(other.request({}, lot), { headers })).status).toBe(200);
      expect((await other.generate(other.request({ version: '9' }, lot), { headers })).status).toBe(400);
    } finally {
      await other.stop();
      write.mockRestore();
      errors.mockRestore();
    }
    const traced = lines
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as JsonObject)
      .filter((line) => line['request_id'] === 'trace-me');
    const messages = traced.map(({ message }) => message);
    // What is logged far from the controller, in the retries of a call, belongs to the request too.
    expect(messages.filter((message) => message === 'OpenAI request failed').length).toBe(2);
    expect(messages).toContain('request refused');
    expect(lines.join('')).not.toMatch(/words-of-the-client|v1=[0-9a-f]{64}/);
    for (const secret of Object.values(SECRETS)) expect(lines.join('')).not.toContain(secret);
  });
});

describe('limits', () => {
  it('limits per key and minute are told with every answer, and what is over them gets 429 with Retry-After', async () => {
    await withSettings({ RATE_LIMIT_SYNC: '2', RATE_LIMIT_BATCH: '1' }, async (other) => {
      const limits = (headers: Headers) =>
        ['ratelimit-policy', 'x-ratelimit-limit', 'x-ratelimit-remaining'].map((name) => headers.get(name));
      const first = await other.generate(other.request());
      expect([first.status, ...limits(first.headers)]).toEqual([200, '"sync";q=2;w=60', '2', '1']);
      expect(first.headers.get('ratelimit')).toMatch(/^"sync";r=1;t=\d+$/);
      // Requests with a wrong signature, or with none, count against no client's limit.
      await other.sendAsIs(GENERATE, 'POST', { 'Content-Type': 'application/json' }, '{}');
      const second = await other.generate(other.request({ version: '9' }));
      expect([second.status, ...limits(second.headers)]).toEqual([400, '"sync";q=2;w=60', '2', '0']);
      const send = () => other.generate(other.request());
      await service.reset();
      await refused(other, send, 'RATE_LIMITED');
      const over = await send();
      expect(limits(over.headers)).toEqual(['"sync";q=2;w=60', '2', '0']);
      const wait = Number(over.headers.get('retry-after'));
      expect(wait).toBeGreaterThan(0);
      expect(wait).toBeLessThanOrEqual(60);
      // Each kind and each key has its own.
      expect((await other.generate(other.request({ mode: 'batch' }))).status).toBe(201);
      expect((await other.generate(other.request({ mode: 'batch' }))).status).toBe(429);
      expect((await other.generate(other.request(), { keyId: 'beta' })).status).toBe(200);
      expect((await other.send('/api/v1/batch-jobs')).status).toBe(200);
    });
  });

  it('a key with too many unfinished jobs gets 429 TOO_MANY_ACTIVE_JOBS with Retry-After, and nothing is written', async () => {
    await withSettings({ MAX_ACTIVE_JOBS: '1', ROLE: 'api' }, async (other) => {
      await service.db.database.execute(`update batch_jobs set status = 'completed' where mode = 'batch'`);
      // The first one waits: this process has no worker, and a hanging upstream keeps every other from ending it.
      await service.faults({ action: 'hang' });
      expect((await other.generate(other.request({ mode: 'batch' }))).status).toBe(201);
      const before = await other.rowCounts();
      const over = await other.generate(other.request({ mode: 'batch' }));
      expectRefusal(over, 'TOO_MANY_ACTIVE_JOBS');
      expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await other.rowCounts())['batch_jobs']).toBe(before['batch_jobs']);
      expect((await other.generate(other.request({ mode: 'batch' }), { keyId: 'beta' })).status).toBe(201);
    });
  });
});

describe('LEGACY_UNSIGNED_READS', () => {
  it('LEGACY_UNSIGNED_READS opens reading alone, and only when it is on', async () => {
    const { body } = await service.generate(service.request());
    const jobId = String(body['job_id']);
    const reads = [`/api/v1/batch-status/${jobId}`, `/api/v1/batch-results/${jobId}`, `/api/v1/jobs/${jobId}/status`];
    for (const path of reads) expect([401, 404]).toContain((await service.sendAsIs(path, 'GET', {})).status);
    await withSettings({ LEGACY_UNSIGNED_READS: 'true' }, async (other) => {
      for (const path of [...reads, `/api/v1/jobs/${jobId}`]) {
        expect((await other.sendAsIs(path, 'GET', {})).status).toBe(200);
        expect((await other.sendAsIs(path, 'GET', { 'X-Signature': hmac('') })).status).toBe(200);
        expect((await other.sendAsIs(path, 'GET', { 'X-Signature': hmac('x') })).status).toBe(403);
      }
      expect((await other.sendAsIs('/api/v1/batch-jobs', 'GET', {})).status).toBe(401);
      expect((await other.sendAsIs(`/api/v1/batch-jobs/${jobId}/cancel`, 'POST', {})).status).toBe(401);
      const post = await other.sendAsIs(GENERATE, 'POST', { 'Content-Type': 'application/json' }, '{}');
      expectRefusal(post, 'MISSING_SIGNATURE');
    });
  });
});

describe('for operators', () => {
  it('/health, /ready, /metrics and /openapi.json answer', async () => {
    expect((await service.sendAsIs('/health', 'GET', {})).body).toMatchObject({ status: 'healthy' });
    const ready = await service.sendAsIs('/ready', 'GET', {});
    expect([ready.status, ready.body]).toEqual([200, { status: 'ready', database: 'ok', worker: 'ok' }]);
    const openapi = await service.sendAsIs('/openapi.json', 'GET', {});
    expect(openapi.body['paths']).toHaveProperty([GENERATE]);
    const metrics = await fetch(`${service.origin}/metrics`);
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await metrics.text();
    expect(text).toMatch(/^# TYPE \w*http\w* histogram$/m);
    expect(text).toMatch(/openai/);
  });

  it('without its database the service answers /ready and requests with 503, and /health well', async () => {
    const line = await openLine(service.db.url);
    const other = await TestService.start({ beside: service, databaseUrl: () => line.url });
    try {
      expect((await other.generate(other.request())).status).toBe(200);
      await service.reset();
      line.cut();
      expect((await other.sendAsIs('/health', 'GET', {})).status).toBe(200);
      for (const answer of [await other.sendAsIs('/ready', 'GET', {}), await other.generate(other.request())]) {
        expectRefusal(answer, 'SERVICE_UNAVAILABLE');
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      expect(await other.calls()).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});

/** A way to the database that can be cut, as a network or a server that went down cuts it. */
async function openLine(databaseUrl: string): Promise<{ url: string; cut: () => void }> {
  const url = new URL(databaseUrl);
  const [host, port] = [url.hostname, Number(url.port)];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, host);
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined));
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
