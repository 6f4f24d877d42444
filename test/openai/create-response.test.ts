import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { runInContext } from '../../src/common/request-context.js';
import type { AppConfig } from '../../src/config/app-config.js';
import type { OpenAiErrorKind } from '../../src/openai/errors.js';
import { OpenAiClient } from '../../src/openai/openai-client.js';
import { OpenAiTransport } from '../../src/openai/openai-transport.js';
import { failureOf, openAiSettings, startRig, type ClientRig } from './client-rig.js';
import { stateOf } from './circuit-state.js';
import {
  apiError,
  completed,
  cutBody,
  hangUp,
  html,
  json,
  silence,
  stalledBody,
  type Behaviour,
} from './openai-stub.js';

let rig: ClientRig;
beforeEach(async () => {
  rig = await startRig({ skipUpToMs: 40_000, baseDelaySeconds: 2 });
});
afterEach(() => rig.stop());

const REQUEST = { model: 'gpt-test', input: 'hello', store: false };

/** Random waits lie within 20 % of these. */
function expectWaits(...seconds: number[]): void {
  expect(rig.clock.skipped).toHaveLength(seconds.length);
  for (const [index, wait] of rig.clock.skipped.entries()) {
    expect(Math.abs(wait / 1000 - (seconds[index] ?? 0))).toBeLessThanOrEqual((seconds[index] ?? 0) * 0.2 + 0.001);
  }
}

describe('createResponse', () => {
  it('createResponse sends the request as given and returns the response as it came', async () => {
    const result = await rig.client.createResponse(REQUEST, rig.within(300));
    expect(result).toMatchObject({ body: completed(), requestId: 'req_stub' });
    const [request] = rig.stub.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/v1/responses' });
    expect(JSON.parse(String(request?.body))).toEqual(REQUEST);
    expect(request?.headers).toMatchObject({ authorization: 'Bearer sk-test', 'openai-project': 'proj_test' });
    expect(rig.clock.waiting).toBe(0);
  });

  it('createResponse names the running request to OpenAI', async () => {
    await runInContext({ requestId: 'ours-1' }, () => rig.client.createResponse(REQUEST, rig.within(300)));
    await rig.client.createResponse(REQUEST, rig.within(300));
    expect(rig.stub.requests.map(({ headers }) => headers['x-client-request-id'])).toEqual(['ours-1', undefined]);
  });

  it('createResponse returns what is incomplete and what is refused: the caller judges', async () => {
    const body = { ...completed(), status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    rig.stub.next(json(200, body));
    expect((await rig.client.createResponse(REQUEST, rig.within(300))).body).toEqual(body);
    expect(rig.stub.requests).toHaveLength(1);
  });

  it.each<[string, Behaviour]>([
    ['500', apiError(500, {})],
    ['502 in HTML', (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>')],
    ['429', apiError(429, { code: 'rate_limit_exceeded' })],
    ['a connection cut before the headers', hangUp],
    ['a body that is cut', cutBody],
    ['HTML with 200', html],
    ['a JSON body that is no response', json(200, { hello: 'world' })],
    [
      'a response that failed with server_error',
      json(200, { status: 'failed', output: [], error: { code: 'server_error' } }),
    ],
  ])('createResponse tries again after %s', async (_name, behaviour) => {
    rig.stub.next(behaviour, behaviour);
    const result = await rig.client.createResponse(REQUEST, rig.within(300));
    expect(result.body).toEqual(completed());
    expect(rig.stub.requests).toHaveLength(3);
    expectWaits(2, 4);
  });

  it.each<[OpenAiErrorKind, Behaviour]>([
    ['quota', apiError(429, { code: 'insufficient_quota', type: 'insufficient_quota' }, { 'retry-after': '1' })],
    ['image', apiError(400, { code: 'invalid_image_url', message: 'Failed to download https://cdn.test/1.jpg.' })],
    [
      'image',
      apiError(400, {
        code: 'invalid_value',
        param: 'url',
        message: 'Timeout while downloading https://cdn.test/1.jpg.',
      }),
    ],
    [
      'image',
      json(200, {
        status: 'failed',
        output: [],
        error: { code: 'failed_to_download_image', message: 'https://cdn.test/1.jpg' },
      }),
    ],
    ['context_length', apiError(400, { code: 'context_length_exceeded' })],
    ['model', apiError(404, { code: 'model_not_found' })],
    ['auth', apiError(401, { code: 'invalid_api_key' })],
    ['refused', apiError(400, { code: 'invalid_prompt' })],
    ['rejected', apiError(400, { code: 'invalid_value' })],
    ['server', apiError(500, {}, { 'x-should-retry': 'false' })],
  ])('createResponse asks once when the same would be refused again (%s)', async (kind, behaviour) => {
    rig.stub.always(behaviour);
    const error = await failureOf(rig.client.createResponse(REQUEST, rig.within(300)));
    expect(error).toMatchObject({ kind, attempts: 1, retryable: false, requestId: 'req_stub' });
    expect(error.message).not.toContain('cdn.test');
    expect(rig.stub.requests).toHaveLength(1);
  });

  it('createResponse gives up after five tries', async () => {
    rig.stub.always(apiError(503, {}));
    const error = await failureOf(rig.client.createResponse(REQUEST, rig.within(300)));
    expect(error).toMatchObject({ kind: 'server', status: 503, attempts: 5 });
    expect(rig.stub.requests).toHaveLength(5);
    expectWaits(2, 4, 8, 16);
  });

  it('createResponse waits as long as Retry-After says', async () => {
    rig.stub.next(apiError(429, {}, { 'retry-after': '30' }), apiError(429, {}, { 'retry-after-ms': '35500' }));
    await rig.client.createResponse(REQUEST, rig.within(300));
    expect(rig.clock.skipped).toEqual([30_000, 35_500]);
  });

  it('createResponse gives up at once when Retry-After passes the deadline', async () => {
    rig.stub.next(apiError(429, {}, { 'retry-after': '3600' }));
    const error = await failureOf(rig.client.createResponse(REQUEST, rig.within(300)));
    expect(error).toMatchObject({ kind: 'rate_limited', retryAfterMs: 3_600_000, attempts: 1 });
    expect(rig.clock.skipped).toEqual([]);
  });

  it.each([
    ['never answers', silence],
    ['stalls inside the body', stalledBody],
  ])('createResponse ends at the deadline when OpenAI %s, and closes the connection', async (_name, behaviour) => {
    rig.stub.always(behaviour);
    const call = failureOf(rig.client.createResponse(REQUEST, rig.within(300)));
    await rig.stub.arrived(1);
    rig.clock.advance(300_000);
    expect(await call).toMatchObject({ kind: 'timeout', attempts: 1 });
    await rig.stub.connectionsClosed(1);
    expect(rig.stub.requests).toHaveLength(1);
    expect(rig.clock.waiting).toBe(0);
  });

  it('createResponse sends nothing when the deadline is over already', async () => {
    expect(await failureOf(rig.client.createResponse(REQUEST, rig.within(0)))).toMatchObject({ kind: 'timeout' });
    expect(rig.stub.requests).toHaveLength(0);
  });

  it.each([
    ['before the headers', silence],
    ['inside the body', stalledBody],
  ])('createResponse cancels upstream when the caller hangs up %s', async (_name, behaviour) => {
    rig.stub.always(behaviour);
    const caller = new AbortController();
    const call = failureOf(rig.client.createResponse(REQUEST, { ...rig.within(300), signal: caller.signal }));
    await rig.stub.arrived(1);
    caller.abort();
    expect(await call).toMatchObject({ kind: 'aborted', retryable: false, attempts: 1 });
    await rig.stub.connectionsClosed(1);
    expect(rig.stub.requests).toHaveLength(1);
    expect(rig.clock.waiting).toBe(0);
  });

  it('createResponse refuses while the circuit rests, without a request', async () => {
    rig.stub.always(apiError(500, {}));
    await failureOf(rig.client.createResponse(REQUEST, rig.within(300)));
    const error = await failureOf(rig.client.createResponse(REQUEST, rig.within(300)));
    expect(error).toMatchObject({ kind: 'server', attempts: 5 });
    expect(stateOf(rig.circuits.of('create_response'))).toBe('open');
    const refused = await failureOf(rig.client.createResponse(REQUEST, rig.within(300)));
    expect(refused).toMatchObject({ kind: 'circuit_open', retryAfterMs: 30_000, attempts: 0 });
    expect(rig.stub.requests).toHaveLength(10);

    rig.stub.always(json(200, completed()));
    rig.clock.advance(30_000);
    await rig.client.createResponse(REQUEST, rig.within(300));
    expect(stateOf(rig.circuits.of('create_response'))).toBe('closed');
  });

  const BATCH = { inputFileId: 'file-1', metadata: {} };

  it('createResponse is let through while batches and files answer nothing but errors', async () => {
    for (let failure = 0; failure < 10; failure++) {
      rig.circuits.of('create_batch').acquire().failed('server');
      rig.clock.advance(200);
    }
    expect(stateOf(rig.circuits.of('create_batch'))).toBe('open');
    rig.stub.always(json(200, completed()));
    await rig.client.createResponse(REQUEST, rig.within(300));
    expect(stateOf(rig.circuits.of('create_response'))).toBe('closed');
    expect(await failureOf(rig.client.batches.createBatch(BATCH, rig.within(300)))).toMatchObject({
      kind: 'circuit_open',
    });
  });

  it('createResponse counts requests by outcome and tokens by kind, those of failed responses too', async () => {
    metricsRegistry.resetMetrics();
    const usage = { input_tokens: 10, output_tokens: 1 };
    rig.stub.next(json(200, { status: 'failed', output: [], usage, error: { code: 'server_error' } }));
    await rig.client.createResponse(REQUEST, rig.within(300));
    const text = await metricsRegistry.metrics();
    expect(text).toContain('openai_requests_total{operation="create_response",model="gpt-test",outcome="server"} 1');
    expect(text).toContain('openai_requests_total{operation="create_response",model="gpt-test",outcome="ok"} 1');
    expect(text).toContain('openai_tokens_total{model="gpt-test",kind="input"} 110');
    expect(text).toContain('openai_tokens_total{model="gpt-test",kind="cached"} 40');
    expect(text).toContain('openai_tokens_total{model="gpt-test",kind="output"} 21');
    expect(text).toContain('openai_tokens_total{model="gpt-test",kind="reasoning"} 5');
    expect(text).toContain('openai_request_duration_seconds_count{operation="create_response",model="gpt-test"} 2');
  });
});

describe('createResponse while connecting', () => {
  it.each(['deadline', 'hang-up'])(
    'createResponse ends by the %s though the connection is never made',
    async (cause) => {
      // It accepts and never says a word of TLS: for undici the connection is still being made.
      const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const baseUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
      const connecting = await startRig({ baseUrl });
      try {
        const caller = new AbortController();
        const connection = once(server, 'connection');
        const options = { ...connecting.within(300), signal: caller.signal };
        const call = failureOf(connecting.client.createResponse(REQUEST, options));
        await connection;
        if (cause === 'deadline') connecting.clock.advance(300_000);
        else caller.abort();
        expect(await call).toMatchObject({ kind: cause === 'deadline' ? 'timeout' : 'aborted', attempts: 1 });
      } finally {
        await connecting.stop();
        server.close();
      }
    },
  );

  it('createResponse takes a refused connection for one that may come back', async () => {
    const gone = await startRig({ tries: 2 });
    await gone.stub.stop();
    const error = await failureOf(gone.client.createResponse(REQUEST, gone.within(300)));
    expect(error).toMatchObject({ kind: 'connection', code: 'ECONNREFUSED', attempts: 2 });
    await gone.stop();
  });
});

describe('fingerprint', () => {
  const fingerprint = (openai: Partial<AppConfig['openai']>) => {
    const config = { openai: { ...openAiSettings('https://api.openai.com/v1'), ...openai } };
    const transport = new OpenAiTransport(config, rig.clock, rig.circuits);
    return new OpenAiClient(config, transport, rig.clock).fingerprint();
  };

  it('fingerprint is base URL and project, without credentials, or the name that the upstream was given', () => {
    expect(fingerprint({})).toBe('https://api.openai.com/v1#proj_test');
    expect(fingerprint({ projectId: '', baseUrl: 'https://user:secret@proxy.test/v1/' })).toBe('https://proxy.test/v1');
    expect(fingerprint({ upstream: 'sandbox', baseUrl: 'http://127.0.0.1:4000/v1' })).toBe('sandbox');
  });
});
