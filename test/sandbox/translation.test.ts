import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schemaProblems } from '../../src/assessment/json-schema.js';
import { LANGUAGES } from '../../src/assessment/language-list.js';
import { parsePrompt } from '../../src/assessment/prompt.js';
import { buildTranslationRequest, parseTranslation } from '../../src/assessment/translation.js';
import { VISION_SCHEMA, VISION_TEXT_FORMAT } from '../../src/assessment/vision-schema.js';
import {
  drawnCar,
  outputText,
  PhotoHost,
  TestSandbox,
  visionRequest,
} from '../../packages/openai-sandbox/test/support.js';

let sandbox: TestSandbox;

beforeAll(async () => {
  sandbox = await TestSandbox.start();
});

afterAll(() => sandbox.stop());

const STRINGS = [
  'Left front door: dent, moderate (photos 1, 12).',
  'VIN 2T1BURHE0JC034567 is legible; 4x4 badge, 1,200 km.',
  'Simulated: this assessment is derived from pixel statistics; no model looked at the vehicle.',
];
const prompt = parsePrompt('---\nversion: 1\n---\nTranslate.');

describe('translations', () => {
  const scripts = Object.entries(LANGUAGES).flatMap(([code, [, ...given]]) => [
    code,
    ...given.map((name) => `${code}-${name}`),
  ]);
  const tags = [...scripts, 'pt-BR', 'zh-TW', 'DE', 'iw', 'sr-Latn-RS'].filter((tag) => !tag.startsWith('en'));

  it("the sandbox's translations hold every string in every language and script that the service offers", async () => {
    const refused: string[] = [];
    for (let start = 0; start < tags.length; start += 10) {
      const some = tags.slice(start, start + 10);
      const body = buildTranslationRequest(STRINGS, some, {
        model: 'gpt-5.6-luna',
        effort: 'none',
        maxOutputTokens: 16_000,
        prompt,
      });
      const answer = parseTranslation((await sandbox.respond(body)).json, STRINGS.length, some);
      expect(answer.kind).toBe('translated');
      if (answer.kind !== 'translated') continue;
      refused.push(...some.filter((tag) => !answer.languages.has(tag)));
    }
    expect(refused).toEqual([]);
  });

  it("the sandbox's translations say in the reader’s language that they are simulated", async () => {
    const body = buildTranslationRequest(['Left door: dent.'], ['ru', 'de', 'zu'], {
      model: 'gpt-5.6-luna',
      effort: 'none',
      maxOutputTokens: 1000,
      prompt,
    });
    const value = JSON.parse(outputText((await sandbox.respond(body)).json)) as Record<string, { s1: string }>;
    expect(value['ru']?.s1).toMatch(/^Симуляция: [а-я]/);
    expect(value['de']?.s1).toBe('Simuliert: Left door: dent.');
    expect(value['zu']?.s1).toBe('Simulated (zu): Left door: dent.');
  });
});

describe('the service’s vision schema', () => {
  it("the service’s vision schema is satisfied by the sandbox's answers, with findings that cite a photo", async () => {
    const host = await PhotoHost.start();
    const body = { ...visionRequest([host.serve('a.jpg', await drawnCar())]), text: VISION_TEXT_FORMAT };
    const value = JSON.parse(outputText((await sandbox.respond(body)).json)) as { findings: { photos: number[] }[] };
    expect(schemaProblems(value, VISION_SCHEMA)).toEqual([]);
    expect(value.findings.map(({ photos }) => photos)).toContainEqual([1]);
    await host.stop();
  });
});
