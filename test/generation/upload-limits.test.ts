import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UploadGate } from '../../src/auth/upload-gate.js';
import { GENERATE, sign, TestService, type Answer } from '../support/service.js';
import { expectRefusal } from '../e2e/refusal.js';
import { openRaw, sendRaw, until } from './http-support.js';

const MAX_UPLOADS = 4;
/** A quarter is kept for addresses that have signed rightly. */
const FOR_STRANGERS = 3;

let service: TestService;
let gate: UploadGate;
beforeAll(async () => {
  // Behind a proxy, so that one machine can be many clients.
  const environment = { MAX_UPLOADS: String(MAX_UPLOADS), TRUST_PROXY: '127.0.0.1', ROLE: 'api' };
  service = await TestService.start({ environment });
  gate = service.app.get(UploadGate);
}, 60_000);
afterAll(() => service.stop());

interface Upload {
  /** Sends the other half; the answer's status. */
  finish(): Promise<number | undefined>;
  /** The answer's status, without sending more. */
  answer(): Promise<number | undefined>;
  hangUp(): void;
}

/** Sends the first half of a batch once the gate has let it in, which the client is told by 100 Continue. */
async function begin(address: string): Promise<Upload> {
  const upload = await ask(address);
  if (upload === null) throw new Error('the upload was not let in');
  return upload;
}

/** As {@link begin}; null when the upload is not let in. */
async function ask(address: string): Promise<Upload | null> {
  const body = Buffer.from(JSON.stringify(service.request({ mode: 'batch' })));
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'X-Forwarded-For': address,
    Expect: '100-continue',
    ...sign(GENERATE, body, { method: 'POST' }),
  };
  const sending: ClientRequest = httpRequest(service.origin + GENERATE, { method: 'POST', headers });
  sending.on('error', () => undefined);
  const answer = async () => {
    const [response] = (await once(sending, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  sending.flushHeaders();
  const letIn = await Promise.race([once(sending, 'continue').then(() => true), answer().then(() => false)]);
  if (!letIn) return null;
  sending.write(body.subarray(0, body.length / 2));
  return {
    finish: () => {
      sending.end(body.subarray(body.length / 2));
      return answer();
    },
    answer,
    hangUp: () => sending.destroy(),
  };
}

const send = (address: string): Promise<Answer> =>
  service.generate(service.request({ mode: 'batch' }), { headers: { 'X-Forwarded-For': address } });

let addresses = 0;
/** An address from which no request has come yet. */
const stranger = (): string => `192.0.2.${++addresses}`;

describe('uploads side by side', () => {
  it('uploads of strangers leave a place for who signed rightly before; the next stranger gets 503 until one is through', async () => {
    const known = stranger();
    expect((await send(known)).status).toBe(201);
    const uploads: Upload[] = [];
    for (let count = 1; count <= FOR_STRANGERS; count++) uploads.push(await begin(stranger()));
    const refused = await send(stranger());
    expectRefusal(refused, 'SERVICE_UNAVAILABLE');
    expect(refused.headers.get('retry-after')).toBe('2');
    expect((await send(known)).status).toBe(201);

    expect(await uploads.shift()?.finish()).toBe(201);
    expect((await send(stranger())).status).toBe(201);
    for (const upload of uploads) expect(await upload.finish()).toBe(201);
  });

  it('uploads of one address are a quarter of all once half are taken; the next gets 429, another address is let in', async () => {
    const address = stranger();
    const first = await begin(address);
    const second = await begin(address);
    const refused = await send(address);
    expectRefusal(refused, 'RATE_LIMITED');
    expect(refused.headers.get('retry-after')).toBe('2');
    expect((await send(stranger())).status).toBe(201);
    expect([await first.finish(), await second.finish()]).toEqual([201, 201]);
  });

  it('uploads that take all places leave none for the small body of another route, which is refused before it is routed', async () => {
    const known = stranger();
    expect((await send(known)).status).toBe(201);
    const uploads: Upload[] = [];
    for (let count = 1; count <= FOR_STRANGERS; count++) uploads.push(await begin(stranger()));
    // Nobody signed it: a 401 would come from the route.
    const ping = (address: string, body: string) =>
      sendRaw(
        service.port,
        ['POST /api/v1/webhooks/ping HTTP/1.1', 'Host: h', 'Content-Type: application/json'].concat(
          `Content-Length: ${body.length}`,
          `X-Forwarded-For: ${address}`,
        ),
        body,
      );
    expect((await ping(stranger(), '{}')).status).toBe(503);
    expect((await ping(stranger(), '')).status).toBe(401);
    expect((await ping(known, '{}')).status).toBe(401);
    for (const upload of uploads) expect(await upload.finish()).toBe(201);
  });

  it('uploads that come a byte at a time are refused after a thousand of them', async () => {
    const head = ['Host: x', 'Content-Type: application/json', 'Content-Length: 40000'];
    const socket = openRaw(Number(new URL(service.origin).port), [
      `POST ${GENERATE} HTTP/1.1`,
      ...head,
      `X-Forwarded-For: ${stranger()}`,
    ]);
    socket.setNoDelay(true);
    const answered = once(socket, 'data') as Promise<[Buffer]>;
    let answer: string | undefined;
    void answered.then(([data]) => (answer = data.toString('latin1')));
    // Each is a packet of its own, and read before the next one comes.
    for (let sent = 0; sent < 40_000 && answer === undefined; sent++) {
      await new Promise((resolve) => socket.write(' ', resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(answer).toMatch(/^HTTP\/1\.1 429 [^]*"RATE_LIMITED"/);
    socket.destroy();
  });

  it('uploads that come in chunks of a byte are taken', async () => {
    const text = JSON.stringify(service.request({ mode: 'batch' }));
    const body = Buffer.from(text);
    const signature = Object.entries(sign(GENERATE, body, { method: 'POST' })).map(
      ([name, value]) => `${name}: ${value}`,
    );
    const chunks = Array.from(text, (letter) => `1\r\n${letter}\r\n`).join('');
    const answer = await sendRaw(
      Number(new URL(service.origin).port),
      [
        `POST ${GENERATE} HTTP/1.1`,
        'Host: x',
        'Content-Type: application/json',
        'Transfer-Encoding: chunked',
        `X-Forwarded-For: ${stranger()}`,
        ...signature,
      ],
      `${chunks}0\r\n\r\n`,
    );
    expect(answer.status).toBe(201);
  });

  it('uploads that come in small pieces are taken', async () => {
    const text = JSON.stringify(service.request({ mode: 'batch' })) + ' '.repeat(40_000);
    const headers = { 'Content-Type': 'application/json', 'X-Forwarded-For': stranger() };
    const sending = httpRequest(service.origin + GENERATE, {
      method: 'POST',
      headers: { ...headers, ...sign(GENERATE, Buffer.from(text), { method: 'POST' }) },
    });
    for (let at = 0; at < text.length; at += 5) sending.write(text.slice(at, at + 5));
    sending.end();
    const [response] = (await once(sending, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(201);
  });

  it('uploads whose client hangs up give their place back', async () => {
    const uploads: Upload[] = [];
    for (let count = 1; count <= FOR_STRANGERS; count++) uploads.push(await begin(stranger()));
    for (const upload of uploads) upload.hangUp();
    for (const [place] of uploads.entries()) {
      const address = stranger();
      await until(async () => {
        const next = await ask(address);
        if (next !== null) uploads[place] = next;
        return next !== null;
      });
    }
    for (const upload of uploads) expect(await upload.finish()).toBe(201);
  });

  it('uploads that stall are cut and told so, and their place is free', async () => {
    const clock = vi.spyOn(service.app.get(UploadGate)['clock'], 'now');
    const uploads: Upload[] = [];
    for (let count = 1; count <= FOR_STRANGERS; count++) uploads.push(await begin(stranger()));
    clock.mockImplementation(() => Date.now() + 11_000);
    const answers = uploads.map((upload) => upload.answer());
    gate.sweep();
    expect(await Promise.all(answers)).toEqual([503, 503, 503]);
    clock.mockRestore();
    expect((await send(stranger())).status).toBe(201);
  });

  it('uploads that were refused early are read no further than the headers when they wait for 100 Continue', async () => {
    const uploads: Upload[] = [];
    for (let count = 1; count <= FOR_STRANGERS; count++) uploads.push(await begin(stranger()));
    const head = [
      `POST ${GENERATE} HTTP/1.1`,
      'Host: h',
      'Content-Type: application/json',
      'Content-Length: 100',
      'Expect: 100-continue',
      `X-Forwarded-For: ${stranger()}`,
    ];
    const { status } = await sendRaw(service.port, head);
    expect(status).toBe(503);
    for (const upload of uploads) expect(await upload.finish()).toBe(201);
  });
});
