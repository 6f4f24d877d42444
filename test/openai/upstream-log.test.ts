import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpenAiCircuits } from '../../src/openai/circuit-breaker.js';
import { OpenAiClient } from '../../src/openai/openai-client.js';
import { OpenAiTransport } from '../../src/openai/openai-transport.js';
import { SecretStrike } from '../../src/openai/secret-strike.js';
import { failureOf, openAiSettings, startRig, type ClientRig } from './client-rig.js';
import { apiError, json, type Behaviour } from './openai-stub.js';

const KEY = 'sk-proj-abc+def/ghi==';
const HEADERS = { 'api-key': 'azure-secret-0123', Authorization: 'Bearer gateway-token-4567', 'X-Tenant': 'acme' };

let rig: ClientRig;
let client: OpenAiClient;
let transport: OpenAiTransport;
const lines: { message: string; facts: Record<string, unknown> }[] = [];

beforeEach(async () => {
  rig = await startRig();
  const config = {
    openai: {
      ...openAiSettings(`${rig.stub.baseUrl}?api-version=preview`),
      apiKey: KEY,
      headers: HEADERS,
      retryAttempts: 1,
    },
  };
  transport = new OpenAiTransport(config, rig.clock, new OpenAiCircuits(rig.clock));
  client = new OpenAiClient(config, transport, rig.clock);
  lines.length = 0;
  vi.spyOn(transport['logger'] as Logger, 'warn').mockImplementation((message: string, facts: unknown) => {
    lines.push({ message, facts: facts as Record<string, unknown> });
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await transport.onApplicationShutdown();
  await rig.stop();
});

async function* first(list: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const page of list) return yield page;
}

async function said(behaviour: Behaviour, call: () => Promise<unknown>): Promise<Record<string, unknown>> {
  rig.stub.always(behaviour);
  await failureOf(call());
  expect(lines).toHaveLength(1);
  return lines[0]?.facts ?? {};
}

describe('what an upstream says', () => {
  const host = () => new URL(rig.stub.baseUrl).host;
  it.each<[string, () => Promise<unknown>]>([
    ['/v1/models/gpt-x', () => client.models.retrieveModel('gpt-x', rig.within(60))],
    ['/v1/files', () => client.files.uploadBatchInput('a.jsonl', async function* () {}, rig.within(60))],
    ['/v1/files', () => first(client.files.listBatchInputs(rig.within(60))).next()],
    ['/v1/files/file-1', () => client.files.deleteFile('file-1', rig.within(60))],
    ['/v1/files/file-1/content', () => first(client.files.fileContent('file-1')).next()],
    ['/v1/batches', () => client.batches.createBatch({ inputFileId: 'f', metadata: {} }, rig.within(60))],
    ['/v1/batches/batch_1', () => client.batches.retrieveBatch('batch_1', rig.within(60))],
    ['/v1/batches', () => first(client.batches.listBatches(rig.within(60))).next()],
  ])('what an upstream says is logged with host and path: %s', async (path, call) => {
    expect(await said(json(405, { detail: 'Batches are not sold here' }), call)).toMatchObject({
      host: host(),
      path,
      status: 405,
      upstream_says: 'Batches are not sold here',
    });
  });

  it('what an upstream says is told of a 200 that is a page', async () => {
    const page: Behaviour = (response) =>
      response.end('<html><title>Sign in</title><p>Sign in to the gateway</p></html>');
    const facts = await said(page, () => client.models.retrieveModel('m', rig.within(60)));
    expect(facts).toMatchObject({ kind: 'broken_body', upstream_says: 'Sign in Sign in to the gateway' });
  });

  it('what an upstream says is never told of a lot, whose texts it may quote', async () => {
    const message = 'Error while downloading https://client.test/secret.jpg: rusty sill';
    const facts = await said(apiError(400, { code: 'invalid_value', message }), () =>
      client.createResponse({ model: 'm' }, rig.within(60)),
    );
    expect(facts).toMatchObject({ host: host(), path: '/v1/responses', code: 'invalid_value' });
    expect(JSON.stringify(facts)).not.toMatch(/client\.test|rusty/);
  });

  it('what an upstream says has our key and headers struck out wherever they stand, then is cut', async () => {
    const message = [
      `Incorrect API key provided: ${KEY}.`,
      `Authorization was "${HEADERS.Authorization}" (token gateway-token-4567), api-key AZURE-SECRET-0123,`,
      `seen as ${encodeURIComponent(KEY)} and ${Buffer.from(KEY).toString('base64')} by acme`,
      'x'.repeat(400),
      KEY,
    ].join(' ');
    const behaviour = apiError(401, { code: 'invalid_api_key', message }, { 'x-request-id': `req-${KEY}` });
    const facts = await said(behaviour, () => client.batches.retrieveBatch(`b-${HEADERS['api-key']}`, rig.within(60)));
    const text = JSON.stringify(facts);
    for (const secret of [
      KEY,
      encodeURIComponent(KEY),
      'gateway-token',
      'azure-secret',
      'AZURE-SECRET',
      'acme',
      'c2stcHJvai',
    ]) {
      expect(text).not.toContain(secret);
    }
    expect(facts['upstream_says']).toHaveLength(500);
    expect(facts['path']).toBe('/v1/batches/b-[struck out]');
    expect(facts['upstream_says']).toContain('Incorrect API key provided: [struck out].');
  });

  it('what an upstream says keeps half a key out that lies where the text is cut', () => {
    const struck = new SecretStrike(['0123456789abcdef']).outOf(`${'x'.repeat(492)}0123456789abcdef`);
    expect(struck).toBe(`${'x'.repeat(492)}[struck `);
  });

  it('what an upstream says is one line without control characters, and nothing where nothing is secret', () => {
    expect(new SecretStrike([null, '']).outOf('a\r\n\u001b[31mb\u0000c')).toBe('a [31mb c');
    expect(new SecretStrike([]).outOf(undefined)).toBeUndefined();
  });
});

describe('what is sent to an upstream', () => {
  it('what is sent to an upstream has the headers of the settings and the query of the base URL, word for word', async () => {
    rig.stub.always(json(200, { id: 'm', data: [] }));
    await client.models.retrieveModel('m', rig.within(60));
    await first(client.files.listBatchInputs(rig.within(60))).next();
    expect(rig.stub.requests.map(({ path }) => path)).toEqual([
      '/v1/models/m?api-version=preview',
      '/v1/files?purpose=batch&order=desc&limit=1000&api-version=preview',
    ]);
    expect(rig.stub.requests[0]?.headers).toMatchObject({
      'api-key': 'azure-secret-0123',
      authorization: 'Bearer gateway-token-4567',
      'x-tenant': 'acme',
    });
  });

  it('what is sent to an upstream leaves out what is set to null', async () => {
    rig.stub.always(json(200, { id: 'm' }));
    const config = {
      openai: { ...openAiSettings(rig.stub.baseUrl), headers: { 'api-key': 'k', authorization: null } },
    };
    const other = new OpenAiTransport(config, rig.clock, new OpenAiCircuits(rig.clock));
    await new OpenAiClient(config, other, rig.clock).models.retrieveModel('m', rig.within(60));
    expect(rig.stub.requests[0]?.headers).toMatchObject({ 'api-key': 'k' });
    expect(rig.stub.requests[0]?.headers).not.toHaveProperty('authorization');
    await other.onApplicationShutdown();
  });
});

describe('the upstream’s fingerprint', () => {
  const of = (baseUrl: string, projectId = '') =>
    new OpenAiClient({ openai: { ...openAiSettings(baseUrl), projectId } }, transport, rig.clock).fingerprint();
  it.each([
    ['https://api.openai.com/v1', 'https://api.openai.com/v1'],
    ['https://api.openai.com/v1/', 'https://api.openai.com/v1'],
    ['https://eu.api.openai.com/v1', 'https://eu.api.openai.com/v1'],
    ['https://gateway.test:8443/openai/v1//', 'https://gateway.test:8443/openai/v1'],
    ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
    ['https://x.openai.azure.com/openai/v1?api-version=preview', 'https://x.openai.azure.com/openai/v1'],
    ['https://x.openai.azure.com/openai/v1/?token=t', 'https://x.openai.azure.com/openai/v1'],
  ])(
    'the upstream’s fingerprint of %s is %s, as it always was: another would pause running shards',
    (baseUrl, fingerprint) => {
      expect(of(baseUrl)).toBe(fingerprint);
      expect(of(baseUrl, 'proj_1')).toBe(`${fingerprint}#proj_1`);
    },
  );
});
