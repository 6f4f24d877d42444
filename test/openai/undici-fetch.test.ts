import { setMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOpenAiAgent, createUndiciFetch } from '../../src/openai/undici-fetch.js';
import { OpenAiStub, json, silence } from './openai-stub.js';

let stub: OpenAiStub;
let agent: ReturnType<typeof createOpenAiAgent>;
let fetch: typeof globalThis.fetch;

beforeEach(async () => {
  stub = await OpenAiStub.start();
  agent = createOpenAiAgent();
  fetch = createUndiciFetch(agent);
});
afterEach(async () => {
  await agent.destroy();
  await stub.stop();
});

describe('createUndiciFetch', () => {
  it('createUndiciFetch gives a web Response with status, every header and the body', async () => {
    stub.next((response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.writeHead(418, { 'x-request-id': 'req_1' }).end('pot');
    });
    const response = await fetch(new URL(stub.baseUrl), { method: 'POST', headers: { 'x-a': 'b' }, body: 'text' });
    expect(response).toBeInstanceOf(Response);
    expect(response).toMatchObject({ status: 418, ok: false });
    expect(response.headers.get('x-request-id')).toBe('req_1');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.text()).toBe('pot');
    expect(stub.requests[0]).toMatchObject({ method: 'POST', body: Buffer.from('text') });
    expect(stub.requests[0]?.headers['x-a']).toBe('b');
  });

  it('createUndiciFetch sends forms with files, blobs, bytes and streams', async () => {
    const form = new FormData();
    form.append('purpose', 'batch');
    form.append('file', new File(['{}\n'], 'a.jsonl'));
    await fetch(stub.baseUrl, { method: 'POST', body: form });
    const type = stub.requests[0]?.headers['content-type'] ?? '';
    const sent = await new Response(stub.requests[0]?.body, { headers: { 'content-type': type } }).formData();
    expect([sent.get('purpose'), await (sent.get('file') as File).text()]).toEqual(['batch', '{}\n']);

    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('stream'));
        controller.close();
      },
    });
    for (const body of [new Blob(['blob']), new TextEncoder().encode('bytes'), stream]) {
      await fetch(stub.baseUrl, { method: 'POST', body });
    }
    expect(stub.requests.slice(1).map(({ body }) => String(body))).toEqual(['blob', 'bytes', 'stream']);
  });

  it('createUndiciFetch gives a 204 without a body and frees its connection', async () => {
    stub.next((response) => response.writeHead(204).end());
    expect(await fetch(stub.baseUrl)).toMatchObject({ status: 204, body: null });
    stub.next(json(200, { ok: true }));
    expect(await (await fetch(stub.baseUrl)).json()).toEqual({ ok: true });
  });

  it('createUndiciFetch does not follow redirects, which would take the key along', async () => {
    stub.next((response) => response.writeHead(307, { location: '/elsewhere' }).end());
    expect((await fetch(stub.baseUrl, { headers: { authorization: 'Bearer key' } })).status).toBe(307);
    expect(stub.requests).toHaveLength(1);
  });

  it('createUndiciFetch puts no cap on calls in flight', async () => {
    stub.always(silence);
    const hangUp = new AbortController();
    setMaxListeners(0, hangUp.signal);
    const calls = Array.from({ length: 300 }, () => fetch(stub.baseUrl, { signal: hangUp.signal }));
    const ended = Promise.allSettled(calls);
    await stub.arrived(300);
    hangUp.abort();
    expect((await ended).every(({ status }) => status === 'rejected')).toBe(true);
    await stub.connectionsClosed(300);
  });

  it('createUndiciFetch ends the connection when the body is cancelled though the server stalls', async () => {
    stub.next((response) => response.writeHead(200).write('beginning'));
    const response = await fetch(stub.baseUrl);
    await response.body?.cancel();
    await stub.connectionsClosed(1);
  });

  it('createUndiciFetch sends nothing for a signal that is aborted already', async () => {
    await expect(fetch(stub.baseUrl, { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(stub.requests).toHaveLength(0);
  });
});
