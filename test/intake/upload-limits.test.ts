import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { UploadGate } from '../../src/auth/upload-gate.js';
import { GENERATE, sign, TestService, type Answer } from '../support/service.js';
import { expectRefusal } from '../e2e/refusal.js';
import { until } from './http-support.js';

const MAX_UPLOADS = 4;

let service: TestService;
let gate: UploadGate;
beforeAll(async () => {
  // Behind a proxy, so that one machine can be many clients.
  const environment = { MAX_UPLOADS: String(MAX_UPLOADS), TRUST_PROXY: 'true', ROLE: 'api' };
  service = await TestService.start({ environment });
  gate = service.app.get(UploadGate);
}, 60_000);
afterAll(() => service.stop());
afterEach(() => until(() => gate.usage.uploads === 0));

interface Upload {
  /** Sends the other half; the answer's status. */
  finish(): Promise<number | undefined>;
  hangUp(): void;
}

/** Sends the first half of a batch and waits until the gate has let it in. */
async function begin(address: string): Promise<Upload> {
  const before = gate.usage.uploads;
  const body = Buffer.from(JSON.stringify(service.request({ mode: 'batch' })));
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'X-Forwarded-For': address,
    ...sign(GENERATE, body, { method: 'POST' }),
  };
  const sending: ClientRequest = httpRequest(service.origin + GENERATE, { method: 'POST', headers });
  sending.on('error', () => undefined);
  sending.write(body.subarray(0, body.length / 2));
  await until(() => gate.usage.uploads > before);
  return {
    finish: async () => {
      sending.end(body.subarray(body.length / 2));
      const [response] = (await once(sending, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    },
    hangUp: () => sending.destroy(),
  };
}

const send = (address: string): Promise<Answer> =>
  service.generate(service.request({ mode: 'batch' }), { headers: { 'X-Forwarded-For': address } });

describe('uploads side by side', () => {
  it('are MAX_UPLOADS; the one after gets 503, whoever it is, until one of them is through', async () => {
    const uploads: Upload[] = [];
    for (let count = 1; count <= MAX_UPLOADS; count++) uploads.push(await begin(`192.0.2.${count}`));
    const refused = await send('198.51.100.1');
    expectRefusal(refused, 'SERVICE_UNAVAILABLE');
    expect(refused.headers.get('retry-after')).toBe('2');

    expect(await uploads.shift()?.finish()).toBe(201);
    expect((await send('198.51.100.1')).status).toBe(201);
    for (const upload of uploads) expect(await upload.finish()).toBe(201);
  });

  it('of one address are a quarter of them once half are taken; the next gets 429, another address is let in', async () => {
    const first = await begin('192.0.2.1');
    const second = await begin('192.0.2.1');
    const refused = await send('192.0.2.1');
    expectRefusal(refused, 'RATE_LIMITED');
    expect(refused.headers.get('retry-after')).toBe('2');
    expect((await send('192.0.2.2')).status).toBe(201);
    expect([await first.finish(), await second.finish()]).toEqual([201, 201]);
  });

  it('whose client hangs up give their place back', async () => {
    const uploads: Upload[] = [];
    for (let count = 1; count <= MAX_UPLOADS; count++) uploads.push(await begin(`192.0.2.${count}`));
    for (const upload of uploads) upload.hangUp();
    await until(() => gate.usage.uploads === 0);
    expect((await send('198.51.100.1')).status).toBe(201);
  });
});
