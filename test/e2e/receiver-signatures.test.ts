import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signLots } from '../../src/auth/signatures.js';
import type { JsonObject } from 'openai-sandbox';
import { GENERATE, SECRETS, TestService, type Answer } from '../support/service.js';
import { startReceiver, type ReceivedRequest, type Receiver } from '../webhook/support/receiver.js';

const JSON_TYPE = { 'Content-Type': 'application/json' };

let service: TestService;
let receiver: Receiver;
let hook: string;
beforeAll(async () => {
  // A limit so low that a single request counted for the wrong client shows.
  const limits = { RATE_LIMIT_SYNC: '3', RATE_LIMIT_BATCH: '3', RATE_LIMIT_POLLING: '100' };
  service = await TestService.start({ environment: limits });
  receiver = await startReceiver();
  hook = `${receiver.origin}/hook`;
});
afterAll(async () => {
  await service.stop();
  await receiver.close();
});

const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  service.sendAsIs(GENERATE, 'POST', { ...JSON_TYPE, ...headers }, JSON.stringify(body));

/** What is left of a limit after a request of the client's own. */
async function remaining(send: () => Promise<Answer>): Promise<number> {
  return Number((await send()).headers.get('x-ratelimit-remaining'));
}

/** Every way in which a person who knows only a webhook could use its signatures. */
function uses({ headers, body }: ReceivedRequest): [name: string, send: () => Promise<Answer>][] {
  const text = body.toString();
  const parsed = JSON.parse(text) as JsonObject;
  const held = {
    'the body’s signature': parsed['signature'] as string,
    'X-Signature': headers['x-signature'] as string,
    'webhook-signature': Buffer.from((headers['webhook-signature'] as string).slice(3), 'base64').toString('hex'),
  };
  const id = headers['webhook-id'] as string;
  const signed = [text, id, `${id}.${headers['webhook-timestamp'] as string}.${text}`, randomUUID()];
  const paths = signed
    .map((value) => encodeURIComponent(value))
    .flatMap((value) => [`batch-status/${value}`, `batch-results/${value}`, `batch-results/${value}/download`]);
  return Object.entries(held).flatMap(([name, signature]) => [
    ...[undefined, [], null, {}, text, parsed, parsed['lots'], [{}], [{ lot_id: '1' }]].map(
      (lots): [string, () => Promise<Answer>] => [
        `${name} over lots ${JSON.stringify(lots)?.slice(0, 40)}`,
        () => post({ version: '1.0.0', languages: ['en'], mode: 'batch', lots, signature }),
      ],
    ),
    [`${name} over the body itself`, () => post(parsed, { 'X-Signature': signature })],
    ...paths.map((path): [string, () => Promise<Answer>] => [
      `${name} at ${path.slice(0, 40)}`,
      () => service.sendAsIs(`/api/v1/${path}`, 'GET', { 'X-Signature': signature }),
    ]),
    [`${name} for the list`, () => service.sendAsIs('/api/v1/batch-jobs', 'GET', { 'X-Signature': signature })],
  ]);
}

describe('what a receiver of webhooks holds', () => {
  it('what a receiver of webhooks holds opens nothing and uses up none of its client’s limits', async () => {
    const ping = await service.send(
      '/api/v1/webhooks/ping',
      { method: 'POST', headers: JSON_TYPE },
      `{"url":"${hook}"}`,
    );
    expect(ping.body['status']).toBe('delivered');
    const accepted = await service.generate(
      service.request({ mode: 'batch', webhook_url: hook, webhook_events: ['batch_job_progress'] }),
    );
    expect(accepted.status).toBe(201);
    const { job_id } = accepted.body as { job_id: string };
    // Its end is what it sends, with or without results.
    await service.send(`/api/v1/batch-jobs/${job_id}/cancel`, { method: 'POST' });
    await receiver.received(2);
    const list = () => service.send('/api/v1/batch-jobs');
    const before = await remaining(list);

    for (const received of receiver.requests) {
      for (const [name, use] of uses(received)) {
        const answer = await use();
        expect([name, answer.status, answer.body['code']]).toEqual([name, 403, 'INVALID_SIGNATURE']);
      }
    }

    expect(await remaining(list)).toBe(before - 1);
    expect(await remaining(() => service.generate(service.request({ mode: 'batch' })))).toBe(1);
  });
});

describe('an upload by scheme 2', () => {
  const signed = (lots: unknown, change: JsonObject = {}) => {
    const signature = signLots(SECRETS.beta, JSON.stringify(lots));
    return post({ version: '1.0.0', languages: ['en'], lots, signature, ...change }, { 'X-Key-Id': 'beta' });
  };
  const lot = () => (service.request()['lots'] as JsonObject[])[0] as JsonObject;

  it('an upload by scheme 2 counts once its content was judged, and not before', async () => {
    for (let times = 0; times < 5; times++) {
      const answer = await signed([lot()], { languages: [] });
      expect([answer.status, answer.body['code']]).toEqual([400, 'VALIDATION_FAILED']);
    }
    for (const left of [2, 1, 0]) expect(await remaining(() => signed([lot()]))).toBe(left);
    expect((await signed([lot()])).status).toBe(429);
  });

  it('an upload by scheme 2 is a request when one of its lots names photos, whatever is wrong with them', async () => {
    const without = { lot_id: 'without' };
    for (const [lots, status, code] of [
      [[lot(), without], 400, 'VALIDATION_FAILED'],
      [[{ lot_id: '1', images: null }], 400, 'VALIDATION_FAILED'],
      [[{ lot_id: '1', images: [] }], 400, 'VALIDATION_FAILED'],
      [[without], 403, 'INVALID_SIGNATURE'],
      [[without, { lot_id: '2', assessment: { images: [] } }], 403, 'INVALID_SIGNATURE'],
      [[], 403, 'INVALID_SIGNATURE'],
      [{ images: [] }, 403, 'INVALID_SIGNATURE'],
      [null, 403, 'INVALID_SIGNATURE'],
    ] as const) {
      const answer = await signed(lots);
      expect([lots, answer.status, answer.body['code']]).toEqual([lots, status, code]);
    }
    const empty = await signed(
      [
        { lot_id: '1', images: [] },
        { lot_id: '2', images: [] },
      ],
      { mode: 'batch' },
    );
    expect(empty.status).toBe(201);
  });
});
