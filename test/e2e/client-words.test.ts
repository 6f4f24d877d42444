import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { drawnCar } from '../../packages/openai-sandbox/test/support.js';
import { lotOf, TestService } from '../support/service.js';

// Real: the whole service over HTTP, as several processes on one database. Faked: OpenAI, by the sandbox, which plays a crash.

/** What acme calls the same things under the earlier and under the later setting. */
const BEFORE = { de: { 'parts.bumper': 'Stoßstange' }, fi: { 'types.dent': 'lommo' } };
const AFTER = { de: { 'parts.bumper': 'Prallschutz' } };
const setting = (words: object) => ({ GLOSSARY_WORDS: JSON.stringify({ acme: words }) });
const ended = (body: JsonObject) => /completed|failed|cancelled/.test(String(body['status']));

/** Runs with the later setting, and does what other processes leave. */
let heir: TestService;
let eight: readonly string[];
beforeAll(async () => {
  heir = await TestService.start({ environment: setting(AFTER) });
  const car = await drawnCar();
  eight = Array.from({ length: 8 }, (_, index) => heir.photos.serve(`words-${index}.jpg`, car));
});
beforeEach(() => heir.reset());
afterAll(() => heir.stop());

const crash = () => ({ additional_info: 'sandbox-scene:crash', images: eight.map((url) => ({ url })) });

/** A process of before the change, which only answers requests. */
async function earlier<T>(environment: Record<string, string>, work: (service: TestService) => Promise<T>): Promise<T> {
  const service = await TestService.start({
    beside: heir,
    environment: { ROLE: 'api', ...setting(BEFORE), ...environment },
  });
  try {
    return await work(service);
  } finally {
    await service.stop();
  }
}

interface Described {
  readonly descriptions: readonly { language: string; damages: string; fallback?: boolean }[];
  readonly assessment: { readonly glossary: Readonly<Record<string, { version: string; state: string }>> };
}

async function resultsOf(jobId: string): Promise<Described[]> {
  const { body } = await heir.send(`/api/v1/batch-results/${jobId}`);
  return (body['results'] as { lots: Described[] }).lots;
}

function expectWords(lot: Described, word: string, language = 'de'): void {
  const text = lot.descriptions.find((one) => one.language === language);
  expect(text).not.toHaveProperty('fallback');
  expect(text?.damages).toContain(word);
  for (const other of ['Stoßfänger', 'Stoßstange', 'Prallschutz'].filter((one) => one !== word)) {
    expect(text?.damages).not.toContain(other);
  }
  expect(lot.assessment.glossary[language]?.state).toBe('machine');
}

describe('a client’s own words', () => {
  const asked = { languages: ['de', 'en'], include: ['assessment'] };

  it('are in the texts of its synchronous requests, and in no other client’s', async () => {
    const answer = await heir.generate(heir.request(asked, crash()));
    expect(answer.status).toBe(200);
    const lot = lotOf(answer.body) as unknown as Described;
    expectWords(lot, 'Prallschutz');
    const other = await heir.generate(heir.request(asked, crash()), { keyId: 'beta' });
    const plain = lotOf(other.body) as unknown as Described;
    expect(plain.descriptions[0]?.damages).toContain('Stoßfänger');
    expect(plain.assessment.glossary['de']?.version).not.toBe(lot.assessment.glossary['de']?.version);
    expect(plain.assessment.glossary['en']).toEqual(lot.assessment.glossary['en']);
  });

  it('stay those of a synchronous job that another process ends under another setting', async () => {
    await heir.faults({ action: 'latency', ms: 3_600_000, count: 1, path: '/v1/responses' });
    const environment = { SYNC_TIMEOUT: '1', SHUTDOWN_GRACE: '0.1' };
    const answer = await earlier(environment, (service) => service.generate(service.request(asked, crash())));
    expect(answer.status).toBe(202);
    const jobId = String(answer.body['job_id']);
    expect(await heir.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
    for (const lot of await resultsOf(jobId)) expectWords(lot, 'Stoßstange');
  });

  it('stay those of a batch that other processes do under another setting, and of a language that has no glossary yet', async () => {
    const lots = ['a', 'b'].map((id) => ({ lot_id: `words-${id}`, ...crash() }));
    const answer = await earlier({}, (service) =>
      service.generate(service.request({ ...asked, languages: ['de', 'fi'], lots })),
    );
    expect(answer.status).toBe(201);
    const jobId = String(answer.body['job_id']);
    expect(await heir.statusWhen(jobId, ended)).toMatchObject({ status: 'completed' });
    const described = await resultsOf(jobId);
    expect(described).toHaveLength(2);
    for (const lot of described) {
      expectWords(lot, 'Stoßstange');
      expectWords(lot, 'lommo', 'fi');
    }
    // One that begins now has the words of now.
    const now = await heir.generate(
      heir.request({ ...asked, lots: lots.map((lot) => ({ ...lot, lot_id: `${lot.lot_id}-2` })) }),
    );
    const nextId = String(now.body['job_id']);
    expect(await heir.statusWhen(nextId, ended)).toMatchObject({ status: 'completed' });
    for (const lot of await resultsOf(nextId)) expectWords(lot, 'Prallschutz');
  });

  it('end the start by key, language and entry where they do not pass', async () => {
    const start = TestService.start({ beside: heir, environment: setting({ de: { 'types.dent': 'Kratzer' } }) });
    await expect(start).rejects.toThrow('acme: de: types.dent: is the same word as types.scratch');
  });
});
