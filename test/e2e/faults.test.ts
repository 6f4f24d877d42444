import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { lotOf, TestService } from '../support/service.js';
import { expectRefusal } from './refusal.js';

let service: TestService;
let impatient: TestService;

beforeAll(async () => {
  service = await TestService.start();
  const environment = { OPENAI_TIMEOUT: '1', SYNC_TRANSLATION_TIMEOUT: '0.3' };
  impatient = await TestService.start({ beside: service, environment });
});
beforeEach(async () => {
  await service.reset();
  // An answer between the faults of two tests: failures in a row would open the circuit.
  for (const each of [service, impatient]) expect((await each.generate(each.request())).status).toBe(200);
  await service.reset();
});
afterAll(async () => {
  await impatient.stop();
  await service.stop();
});

const VISION = { kind: 'vision' };

describe('a fault that passes', () => {
  it.each<[string, JsonObject, number]>([
    ['429 with Retry-After', { action: 'status', status: 429, retry_after_ms: 20, count: 2 }, 3],
    ['429 without', { action: 'status', status: 429, count: 1 }, 2],
    ['500', { action: 'status', status: 500, count: 1 }, 2],
    ['503 four times', { action: 'status', status: 503, count: 4 }, 5],
    ['a reset connection', { action: 'reset', count: 1 }, 2],
    ['a cut body', { action: 'cut_body', count: 1 }, 2],
    ['HTML with status 200', { action: 'html', count: 1 }, 2],
    ['500 after the work was done', { action: 'status', status: 500, after: true, count: 1 }, 2],
    ['status failed in a 200', { action: 'failed', count: 1 }, 2],
    ['an incomplete answer', { action: 'incomplete', count: 1 }, 2],
    ['broken JSON', { action: 'broken_json', count: 1 }, 2],
    ['a broken schema', { action: 'schema_violation', count: 1 }, 2],
  ])('a fault of OpenAI that passes ends in 200 after the calls it took: %s', async (_name, rule, calls) => {
    await service.faults({ ...rule, ...(isAnswer(rule) ? VISION : { path: '/v1/responses' }) });
    const answer = await service.generate(service.request());
    expect(answer.status).toBe(200);
    expect(await service.callCounts()).toEqual({ vision: calls, translation: 0 });
    expect(await service.job(String(answer.body['job_id']))).toMatchObject({ status: 'completed', processed_lots: 1 });
  });

  it('an answer of OpenAI that was cut off gets more room the second time', async () => {
    await service.faults({ action: 'incomplete', count: 1, ...VISION });
    await service.generate(service.request());
    const [first, second] = (await service.calls()).map(({ body }) => Number(body['max_output_tokens']));
    expect(second).toBeGreaterThan(Number(first));
  });
});

describe('a fault that stays', () => {
  it.each<[string, JsonObject, number, JsonObject]>([
    ['429', { action: 'status', status: 429 }, 5, { reason: 'openai_api_error' }],
    ['429 whose Retry-After passes every deadline', { action: 'status', status: 429, retry_after: 3600 }, 1, {}],
    ['500', { action: 'status', status: 500 }, 5, { reason: 'openai_api_error' }],
    ['a cut body', { action: 'cut_body' }, 5, {}],
    ['HTML with status 200', { action: 'html' }, 5, {}],
    ['a quota that is used up', { action: 'quota' }, 1, {}],
    ['400', { action: 'status', status: 400 }, 1, {}],
    ['401', { action: 'status', status: 401 }, 1, {}],
    ['a refusal', { action: 'refusal' }, 1, { reason: 'refused' }],
    ['a safety refusal', { action: 'status', status: 400, code: 'invalid_prompt' }, 1, { reason: 'refused' }],
    ['a safety refusal in a 200', { action: 'failed', code: 'invalid_prompt' }, 1, { reason: 'refused' }],
    ['a filter of Azure’s', { action: 'status', status: 400, code: 'content_filter' }, 1, { reason: 'refused' }],
    ['incomplete twice', { action: 'incomplete' }, 2, { reason: 'incomplete' }],
    ['a content filter', { action: 'incomplete', reason: 'content_filter' }, 1, { reason: 'incomplete' }],
    ['broken JSON', { action: 'broken_json' }, 2, {}],
    ['a broken schema', { action: 'schema_violation' }, 2, {}],
    ['nothing said', { action: 'empty' }, 2, {}],
    ['a model that is gone', { action: 'model_gone' }, 1, {}],
  ])('a fault that stays ends in 502 after the calls that made sense: %s', async (_name, rule, calls, details) => {
    await service.faults({ ...rule, ...(isAnswer(rule) ? VISION : { path: '/v1/responses' }) });
    const body = service.request();
    const answer = await service.generate(body);
    expectRefusal(answer, 'OPENAI_API_ERROR');
    expect(answer.body['details']).toMatchObject(details);
    expect(await service.callCounts()).toEqual({ vision: calls, translation: 0 });
    expect(await service.jobOfLot(body)).toMatchObject({ status: 'failed', failed_lots: 1, processed_lots: 0 });
  });

  it("a fault of OpenAI that stays names OpenAI's own request id", async () => {
    await service.faults({ action: 'refusal' });
    const { body } = await service.generate(service.request());
    expect(body['details']).toMatchObject({ openai_request_id: expect.stringMatching(/^req_/) as string });
  });

  it.each(['hang', 'stall_body'])(
    'a fault that stays ends in 504 at the deadline, after one call: %s',
    async (action) => {
      await service.faults({ action, path: '/v1/responses' });
      const body = impatient.request();
      expectRefusal(await impatient.generate(body), 'OPENAI_TIMEOUT');
      const calls = await service.callsWhen((all) => all.every(({ outcome }) => outcome !== 'running'));
      expect(calls.map(({ kind }) => kind)).toEqual(['vision']);
      expect(await service.jobOfLot(body)).toMatchObject({ status: 'failed', error: { code: 'OPENAI_TIMEOUT' } });
    },
  );
});

describe('a glossary that does not come', () => {
  const expectFallback = (body: JsonObject, language: string) => {
    const [english, other] = lotOf(body)['descriptions'] as JsonObject[];
    expect(other).toEqual({ language, damages: english?.['damages'], fallback: true });
    expect(english).not.toHaveProperty('fallback');
    expect(body).toMatchObject({ pending_languages: [language], warnings: ['translation_time_limit_exceeded'] });
    expect(lotOf(body)['pending_languages']).toEqual([language]);
  };

  // A language of its own each: one that failed rests, whatever the next test wants.
  it.each<[string, string, JsonObject, number]>([
    ['400', 'fi', { action: 'status', status: 400 }, 1],
    ['500', 'sv', { action: 'status', status: 500 }, 5],
    ['a refusal', 'da', { action: 'refusal' }, 1],
    ['broken JSON', 'el', { action: 'broken_json' }, 1],
    ['a broken schema', 'hu', { action: 'schema_violation' }, 1],
    ['words that do not pass the checks', 'et', { action: 'scene', scene: 'glossary_same_word' }, 1],
  ])('a glossary that does not come has English in its stead, named: %s', async (_name, language, rule, calls) => {
    await service.faults({ ...rule, ...(isAnswer(rule) ? { kind: 'translation' } : { model: 'gpt-5.6-luna' }) });
    const answer = await service.generate(service.request({ languages: ['en', language] }));
    expect(answer.status).toBe(200);
    expectFallback(answer.body, language);
    expect(await service.callCounts()).toEqual({ vision: 1, translation: calls });
    // It stays so: results say the same later.
    const path = `/api/v1/batch-results/${String(answer.body['job_id'])}`;
    const results = (await service.send(path)).body['results'] as JsonObject;
    expect(results['lots']).toEqual(answer.body['lots']);
    // Nobody asks again while it rests.
    await service.generate(service.request({ languages: ['en', language] }));
    expect(await service.callCounts()).toEqual({ vision: 2, translation: calls });
  });

  it('a glossary that is late leaves the languages that came, and is made all the same', async () => {
    await service.generate(service.request({ languages: ['sk'] }));
    await service.faults({ action: 'latency', ms: 2_000, contains: 'Latvian' });
    const answer = await impatient.generate(impatient.request({ languages: ['en', 'lv', 'sk'] }));
    expectFallback(answer.body, 'lv');
    const slovak = (lotOf(answer.body)['descriptions'] as JsonObject[])[2];
    expect(slovak).toEqual({ language: 'sk', damages: expect.stringMatching(/^<p>/) as string });
    const again = await service.generate(service.request({ languages: ['en', 'lv'] }));
    expect(again.body).toMatchObject({ pending_languages: [], warnings: [] });
    expect(await service.callCounts()).toEqual({ vision: 3, translation: 2 });
  });
});

describe('an OpenAI that is down', () => {
  it('an OpenAI that is down is left alone: the answer is 503 with Retry-After, without a call', async () => {
    const other = await TestService.start({ beside: service });
    try {
      await service.faults({ action: 'status', status: 503, path: '/v1/responses' });
      let answer = await other.generate(other.request());
      while (answer.status === 502) answer = await other.generate(other.request());
      await service.sandbox.call('DELETE', '/sandbox/log');
      const next = await other.generate(other.request());
      for (const refused of [answer, next]) {
        expectRefusal(refused, 'SERVICE_UNAVAILABLE');
        const seconds = Number(refused.headers.get('retry-after'));
        expect(seconds).toBeGreaterThanOrEqual(1);
        expect(seconds).toBeLessThanOrEqual(30);
      }
      expect(await service.calls()).toEqual([]);
      // A batch is taken in all the same: it can wait.
      expect((await other.generate(other.request({ mode: 'batch' }))).status).toBe(201);
    } finally {
      await other.stop();
    }
  });
});

/** Rules that strike a model's answer take a kind, those that strike a request a path. */
function isAnswer(rule: JsonObject): boolean {
  return ['refusal', 'incomplete', 'broken_json', 'schema_violation', 'empty', 'failed'].includes(
    String(rule['action']),
  );
}
