import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { drawnCar } from '../../packages/openai-sandbox/test/support.js';
import { AbandonedJobsCron } from '../../src/sync/abandoned-jobs.cron.js';
import { unreadable } from '../support/odd-glossaries.js';
import { lotOf, TestService } from '../support/service.js';
import { expectRefusal } from './refusal.js';

// Real: the whole service over HTTP. Faked: OpenAI, by the sandbox, which plays lots on request.

let service: TestService;
let eight: readonly string[];
beforeAll(async () => {
  service = await TestService.start();
  const car = await drawnCar();
  eight = Array.from({ length: 8 }, (_, index) => service.photos.serve(`scene-${index}.jpg`, car));
});
beforeEach(() => service.reset());
afterAll(() => service.stop());

const SHIPPED = ['en', 'de', 'ru', 'pl', 'tr', 'ar', 'ja'];

/** A lot of eight photos, which the sandbox plays as asked. */
async function scene(name: string, languages: readonly string[] = SHIPPED): Promise<JsonObject> {
  const images = eight.map((url) => ({ url }));
  const lot = { additional_info: `sandbox-scene:${name}`, images };
  const answer = await service.generate(service.request({ languages, include: ['assessment'] }, lot));
  expect(answer.status).toBe(200);
  expect(answer.body['pending_languages']).toEqual([]);
  return lotOf(answer.body);
}

function texts(lot: JsonObject): Record<string, string> {
  const descriptions = lot['descriptions'] as { language: string; damages: string }[];
  return Object.fromEntries(descriptions.map(({ language, damages }) => [language, damages]));
}

describe('the texts of a lot', () => {
  it.each([
    ['crash', /^<p>Black saloon, four doors; .*<\/p><ul><li>.*airbags?.*<\/li>/i],
    ['clean', /^<p>Silver estate, five doors; 84,512 km.*<\/p><p>No damage is visible/],
    ['flood', /flood/i],
    ['motorcycle', /^<p>Red motorcycle(?!.*interior)/],
    ['nothing', /condition.*cannot be assessed/i],
    ['sixty', /<li>/],
  ])(
    'of %s are written in all languages without a translation, and say once that they are a simulation',
    async (name, english) => {
      const lot = await scene(name);
      expect(lot).toMatchObject({ status: 'completed', pending_languages: [] });
      const said = texts(lot);
      expect(Object.keys(said)).toEqual(SHIPPED);
      expect(said['en']).toMatch(english);
      expect(said['en']?.match(/Simulation: no model has looked/g)).toHaveLength(1);
      expect(said['de']?.match(/Simulation: Kein Modell/g)).toHaveLength(1);
      for (const [language, html] of Object.entries(said)) {
        expect(html).not.toMatch(/Simulated|to be checked|undefined|[{}]/);
        if (!['en', 'de'].includes(language)) expect(html).not.toContain('Simulation: no model');
      }
      expect((await service.callCounts()).translation).toBe(0);
      expect(lot['assessment']).toMatchObject({ simulated: true, remarks: [] });
      expect(Object.keys((lot['assessment'] as { glossary: JsonObject }).glossary)).toEqual(SHIPPED);
    },
  );

  it('of a lot without findings never say "no damage" beside a flag, and sixty rows make a dozen items', async () => {
    const { en: flood = '' } = texts(await scene('flood', ['en']));
    expect(flood).not.toMatch(/no damage/i);
    const { en: sixty = '' } = texts(await scene('sixty', ['en']));
    expect(sixty.match(/<li>/g)?.length).toBeLessThanOrEqual(13);
  });

  it('are translated by nobody: the words of a language without a file are asked for once, and no other', async () => {
    for (const calls of [1, 0]) {
      await service.reset();
      const answer = await service.generate(service.request({ languages: ['de', 'fi', 'en-GB'] }));
      expect(answer.status).toBe(200);
      expect(answer.body['pending_languages']).toEqual([]);
      const asked = (await service.calls()).filter(({ kind }) => kind === 'translation');
      expect(asked).toHaveLength(calls);
      for (const { body } of asked) {
        expect(JSON.stringify(body['input'])).toMatch(/Finnish/);
        expect(JSON.stringify(body['input'])).not.toMatch(/German|en-GB/);
      }
    }
  });

  it('cost what no translation costs: the estimate counts languages for nothing, but for their notes', async () => {
    const estimateOf = async (languages: readonly string[], include: readonly string[] = []) => {
      const lots = ['a', 'b'].map((lot_id) => ({ ...lotOf(service.request()), lot_id }));
      const { body } = await service.generate(service.request({ languages, lots, include }));
      return body['estimated_cost_usd'] as number;
    };
    const english = await estimateOf(['en']);
    expect(await estimateOf(SHIPPED)).toBe(english);
    // The glossary that is made of Finnish is no cost of the job.
    expect(await estimateOf([...SHIPPED, 'fi'])).toBe(english);
    const noted = await estimateOf(['en'], ['notes']);
    expect(noted).toBeGreaterThan(english);
    expect(await estimateOf(['en', 'de'], ['notes'])).toBeGreaterThan(noted);
    expect(await estimateOf(['en', 'de', 'fi'], ['notes'])).toBeGreaterThan(await estimateOf(['en', 'de'], ['notes']));
  });
});

describe('a text that is refused', () => {
  let refusing: TestService;
  afterAll(() => refusing.stop());

  it('in English in both forms is answered 502, kept, and the model is not asked again', async () => {
    refusing = await TestService.start({ beside: service, change: (config) => unreadable(config, 'en', 'pl') });
    const body = refusing.request({ languages: ['en', 'de'] });
    const answer = await refusing.generate(body);
    expectRefusal(answer, 'OPENAI_API_ERROR');
    expect(answer.body['details']).toMatchObject({ reason: 'text_rejected' });
    expect(await service.callCounts()).toEqual({ vision: 1, translation: 0 });
    const jobId = String((await service.jobOfLot(body))?.['id']);
    const kept = await service.db.database.query<{ language: string; html: string; raw: unknown }>(
      'select language, html, raw from batch_results where job_id = $1',
      [jobId],
    );
    expect(kept).toMatchObject([{ language: 'en', html: '', raw: expect.objectContaining({}) as object }]);
    const { body: results } = await service.send(`/api/v1/batch-results/${jobId}`);
    expect(lotOf(results['results'] as JsonObject)).toMatchObject({
      status: 'failed',
      descriptions: [],
      error: { code: 'TEXT_REJECTED' },
    });
    expect(Number((await service.job(jobId))['cost_usd'])).toBeGreaterThan(0);
  });

  it('in another language is English there, marked', async () => {
    const polish = await TestService.start({ beside: service, change: (config) => unreadable(config, 'pl') });
    try {
      const answer = await polish.generate(polish.request({ languages: ['en', 'pl', 'de'] }));
      const [english, fallback, german] = lotOf(answer.body)['descriptions'] as JsonObject[];
      expect(fallback).toEqual({ language: 'pl', damages: english?.['damages'], fallback: true });
      expect(german).not.toHaveProperty('fallback');
      expect(answer.body['pending_languages']).toEqual(['pl']);
      expect(await service.callCounts()).toEqual({ vision: 1, translation: 0 });
    } finally {
      await polish.stop();
    }
  });
});

describe('a synchronous job of an earlier version', () => {
  it('whose process died before its translations is completed in the words of its rows, without a call', async () => {
    await service.faults({ action: 'latency', ms: 3_600_000, count: 1, path: '/v1/responses', model: 'gpt-5.6-luna' });
    const impatient = await TestService.start({
      beside: service,
      environment: { SYNC_TIMEOUT: '1', SHUTDOWN_GRACE: '0.1' },
    });
    let jobId: string;
    try {
      const body = impatient.request({ languages: ['sv'] });
      const answer = await impatient.generate(body);
      expect(answer.status).toBe(202);
      jobId = String(answer.body['job_id']);
      await expect.poll(async () => (await service.jobOfLot(body))?.['status']).toBe('translating');
    } finally {
      await impatient.stop();
    }
    // It asked for what has words by now, and its only row is the English one.
    await service.db.database.execute(
      `update batch_jobs set languages = '{de,en}', locked_until = clock_timestamp() - interval '1 second',
         lock_token = gen_random_uuid() where id = $1`,
      [jobId],
    );
    await service.reset();
    await service.app.get(AbandonedJobsCron).tick();
    const ended = (body: JsonObject) => /completed|failed|cancelled/.test(String(body['status']));
    expect(await service.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
    const { body } = await service.send(`/api/v1/batch-results/${jobId}`);
    const said = texts(lotOf(body['results'] as JsonObject));
    expect(Object.keys(said)).toEqual(['de', 'en']);
    expect(said['de']).toMatch(/Kein Modell hat diese Fotos gesehen/);
    // Whatever is asked by now is the glossary that the other process began, which no job pays for.
    const asked = (await service.calls()).map(
      ({ body: sent }) => (sent['text'] as { format: JsonObject }).format['name'],
    );
    expect(asked.filter((name) => name !== 'glossary')).toEqual([]);
  });
});
