import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { PooledClient } from '../../src/database/pooled-client.js';
import { GENERATE, hmac, lotOf, sign, TestService, type Answer } from '../support/service.js';
import { expectRefusal } from './refusal.js';

let service: TestService;

beforeAll(async () => {
  // Without a worker: the batch of a test would meet the faults of the next.
  service = await TestService.start({ environment: { ROLE: 'api' } });
});
beforeEach(() => service.reset());
afterAll(() => service.stop());

const key = () => ({ 'Idempotency-Key': randomUUID() });
const replayed = (answer: Answer) => answer.headers.get('idempotent-replayed');
const jobs = async () => (await service.rowCounts())['batch_jobs'];

const textOf = (statement: unknown) =>
  typeof statement === 'string' ? statement : (statement as { text: string }).text;

/** The signed request of this moment, to be sent as often as wanted, byte by byte the same. */
function prepare(body = service.request()) {
  const text = JSON.stringify(body);
  const headers = { 'Content-Type': 'application/json', ...sign(GENERATE, text, { method: 'POST' }) };
  return {
    body,
    send: (extra: Record<string, string> = {}, signal?: AbortSignal) =>
      service.sendAsIs(GENERATE, 'POST', { ...headers, ...extra }, text, signal),
  };
}

function expectReplay(first: Answer, second: Answer): void {
  expect([first.status, replayed(first)]).toEqual([200, null]);
  expect([second.status, replayed(second)]).toEqual([200, 'true']);
  // The first was rendered from what was written, the second from what is read; also in the order of members.
  expect(JSON.stringify(second.body)).toBe(JSON.stringify(first.body));
}

describe('a repeat of a request that was answered', () => {
  it('a repeat by Idempotency-Key gets the first answer again, signed anew, in another coding of the same body', async () => {
    const body = service.request();
    const headers = key();
    const now = Math.floor(Date.now() / 1000);
    const first = await service.generate(body, { headers });
    const second = await service.generate(body, { headers, at: now - 5 });
    expectReplay(first, second);
    expect(await service.callCounts()).toEqual({ vision: 1, translation: 0 });
  });

  it('a repeat gets all that the first answer showed of its lot, in several languages and with a photo missing', async () => {
    const { car, other, grey } = service.urls;
    const head = { languages: ['pl', 'de'], include: ['assessment', 'usage'], metadata: { zone: 'C', a: '"\u2028' } };
    const { send } = prepare(service.request(head, { images: [car, other, grey, service.photos.url('missing.jpg')] }));
    const first = await send();
    expectReplay(first, await send());
    expect(lotOf(first.body)['missing_images']).toHaveLength(1);
  });

  it('a request that is answered at once sends two statements', async () => {
    await service.generate(service.request());
    const query = vi.spyOn(PooledClient.prototype, 'query');
    await service.generate(service.request());
    const sent = query.mock.calls
      .map(([statement]) => textOf(statement))
      .filter((text) => !/photo_averages/.test(text));
    query.mockRestore();
    expect(sent).toEqual([
      expect.stringMatching(/insert into request_keys/),
      expect.stringMatching(/update batch_lots/),
    ]);
  });

  it('another body under the same Idempotency-Key gets 422, and nothing is written', async () => {
    const headers = key();
    await service.generate(service.request(), { headers });
    const before = await service.rowCounts();
    const other = await service.generate(service.request(), { headers });
    expectRefusal(other, 'IDEMPOTENCY_KEY_REUSED');
    expect(await service.rowCounts()).toEqual(before);
  });

  it('the same Idempotency-Key of another client is another key', async () => {
    const body = service.request();
    const headers = key();
    const first = await service.generate(body, { headers });
    const second = await service.generate(body, { headers, keyId: 'beta' });
    expect([second.status, replayed(second)]).toEqual([200, null]);
    expect(second.body['job_id']).not.toBe(first.body['job_id']);
  });

  it('without a key the same signature is a repeat, and a new one is a new request', async () => {
    const { body, send } = prepare();
    expectReplay(await send(), await send());
    const anew = await service.generate(body, { at: Math.floor(Date.now() / 1000) - 9 });
    expect([anew.status, replayed(anew)]).toEqual([200, null]);
    expect(await service.callCounts()).toEqual({ vision: 2, translation: 0 });
  });

  it('by the lots signature the same bytes are a repeat, and other bytes of the same lots are not', async () => {
    const request = service.request();
    const lots = JSON.stringify(request['lots']);
    // lot_id and images in the order of the canonical form.
    const canonical = `[{"images":[{"url":"${service.urls.car}"}],"lot_id":${/"lot_id":("[^"]+")/.exec(lots)?.[1]}}]`;
    const text = `{"signature":"${hmac(canonical)}","version":"1.0.0","languages":["en"],"lots":${canonical}}`;
    const send = (body: string) => service.sendAsIs(GENERATE, 'POST', { 'Content-Type': 'application/json' }, body);
    expectReplay(await send(text), await send(text));
    const other = await send(text.replace('["en"]', '["de"]'));
    expect([other.status, replayed(other)]).toEqual([200, null]);
  });

  it('a repeat of a batch gets 201 again with the same job', async () => {
    const headers = key();
    const body = service.request({ mode: 'batch' });
    const [first, second] = [await service.generate(body, { headers }), await service.generate(body, { headers })];
    expect([first.status, second.status, replayed(second)]).toEqual([201, 201, 'true']);
    expect(second.body['job_id']).toBe(first.body['job_id']);
  });

  it.each([
    ['of the job', { webhook_url: 'https://hook.test-host.com/' }, {}],
    ['of a single lot', {}, { webhook: 'https://hook.test-host.com/' }],
  ])('a batch with a webhook %s and its repeat both say so, as the status does', async (_whose, head, lot) => {
    const headers = key();
    const lots = [{ lot_id: 'A-1', images: ['https://cdn.test-host.com/1.jpg'], ...lot }];
    const body = service.request({ mode: 'batch', ...head, lots });
    const [first, second] = [await service.generate(body, { headers }), await service.generate(body, { headers })];
    expect([first.status, second.status]).toEqual([201, 201]);
    const status = await service.send(`/api/v1/batch-status/${String(first.body['job_id'])}`);
    for (const { body: said } of [first, second, status]) expect(said).toMatchObject({ webhook_configured: true });
  });

  it('a batch without a webhook and its repeat say that none is configured', async () => {
    const answer = await service.generate(service.request({ mode: 'batch' }));
    expect(answer.body).toMatchObject({ webhook_configured: false });
  });
});

describe('what is not remembered', () => {
  it('a refused request is not remembered', async () => {
    const headers = key();
    expect((await service.generate(service.request({ version: '9' }), { headers })).status).toBe(400);
    expect((await service.generate(service.request(), { headers })).status).toBe(200);
  });

  it('a job that failed is not remembered: the same request is done anew', async () => {
    for (const { send, extra } of [
      { send: prepare().send, extra: key() },
      { send: prepare().send, extra: {} },
    ]) {
      await service.reset();
      await service.faults({ action: 'refusal', kind: 'vision', count: 1 });
      const [first, second] = [await send(extra), await send(extra)];
      expect([first.status, second.status, replayed(second)]).toEqual([502, 200, null]);
    }
  });
});

describe('a twin at the same time', () => {
  it('a twin at the same time is told 202 or 409, and the model is asked once', async () => {
    const photo = await service.heldPhoto();
    const before = Number(await jobs());
    const { send } = prepare(service.request({}, { images: [{ url: photo.url }] }));
    let told = 0;
    const answer = async () => {
      const got = await send();
      // The model answers once its twins have been told.
      if (++told === 2) photo.release();
      return got;
    };
    const answers = await Promise.all([answer(), answer(), answer()]);
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses[0]).toBe(200);
    for (const status of statuses.slice(1)) expect([202, 409]).toContain(status);
    for (const answer of answers) if (answer.status === 409) expectRefusal(answer, 'REQUEST_IN_PROGRESS');
    expect(await service.callCounts()).toEqual({ vision: 1, translation: 0 });
    expect(await jobs()).toBe(before + 1);
  });
});

describe('a repeat of a request that still runs', () => {
  it('a repeat of a request that still runs is handed the job, which then goes on whoever hangs up', async () => {
    const photo = await service.heldPhoto();
    const { send } = prepare(service.request({}, { images: [{ url: photo.url }] }));
    const hangUp = new AbortController();
    const first = send({}, hangUp.signal).catch(() => 'hung up');
    await service.callsWhen((calls) => calls.length === 1);
    const second = await send();
    expect([second.status, replayed(second)]).toEqual([202, 'true']);
    const jobId = String(second.body['job_id']);
    expect(second.headers.get('location')).toBe(`/api/v1/batch-status/${jobId}`);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await service.job(jobId))['handed_over_at']).not.toBeNull();
    hangUp.abort();
    expect(await first).toBe('hung up');
    photo.release();
    const status = await service.statusWhen(jobId, (body) => /completed|failed|cancelled/.test(String(body['status'])));
    expect(status['status']).toBe('completed');
    expect((await service.calls()).map(({ outcome }) => outcome)).toEqual(['answered']);
  });
});

describe('a client that hangs up while the model works', () => {
  const slow: JsonObject = { action: 'latency', ms: 2000, path: '/v1/responses', count: 1 };

  it('a client that hangs up without an Idempotency-Key cuts the call and cancels the job, and a retry does it anew', async () => {
    await service.faults({ ...slow, ms: 3_600_000 });
    const { body, send } = prepare();
    const hangUp = new AbortController();
    const first = send({}, hangUp.signal).catch(() => 'hung up');
    await service.callsWhen((calls) => calls.length === 1);
    const jobId = String((await service.jobOfLot(body))?.['id']);
    hangUp.abort();
    expect(await first).toBe('hung up');
    const status = await service.statusWhen(
      jobId,
      (now) => now['status'] !== 'pending' && now['status'] !== 'processing',
    );
    expect(status).toMatchObject({ status: 'cancelled', progress: { processed_lots: 0, failed_lots: 0 } });
    const [call] = await service.callsWhen((calls) => calls[0]?.outcome !== 'running');
    expect(call).toMatchObject({ outcome: 'aborted', status: null });
    const again = await send();
    expect([again.status, replayed(again)]).toEqual([200, null]);
    expect(again.body['job_id']).not.toBe(jobId);
  });

  it('a client that hangs up with an Idempotency-Key leaves the work going on, and the retry gets it', async () => {
    await service.faults(slow);
    const body = service.request();
    const headers = key();
    const hangUp = new AbortController();
    const first = service.generate(body, { headers, signal: hangUp.signal }).catch(() => 'hung up');
    await service.callsWhen((calls) => calls.length === 1);
    hangUp.abort();
    expect(await first).toBe('hung up');
    const jobId = String((await service.jobOfLot(body))?.['id']);
    await service.statusWhen(jobId, (now) => now['status'] === 'completed');
    const retry = await service.generate(body, { headers });
    expect([retry.status, replayed(retry), retry.body['job_id']]).toEqual([200, 'true', jobId]);
    expect((await service.calls()).map(({ outcome }) => outcome)).toEqual(['answered']);
  });

  it('a client that hangs up after the vision answer still has its other texts written', async () => {
    await service.faults({ ...slow, model: 'gpt-5.6-luna' });
    const { body, send } = prepare(service.request({ languages: ['en', 'fi'] }));
    const hangUp = new AbortController();
    const first = send({}, hangUp.signal).catch(() => 'hung up');
    await expect.poll(async () => (await service.jobOfLot(body))?.['status']).toBe('translating');
    hangUp.abort();
    expect(await first).toBe('hung up');
    const jobId = String((await service.jobOfLot(body))?.['id']);
    expect(await service.statusWhen(jobId, (now) => now['status'] !== 'translating')).toMatchObject({
      status: 'completed',
    });
    const retry = await send();
    expect([retry.status, replayed(retry), retry.body['pending_languages']]).toEqual([200, 'true', []]);
  });
});
