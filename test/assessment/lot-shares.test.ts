import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { costUsd, MODEL_PRICES } from '../../src/assessment/cost.js';
import { lotShares, type SampleLot, type ShareSettings } from '../../src/assessment/lot-shares.js';
import { parsePrompt } from '../../src/assessment/prompt.js';
import { usageOf } from '../../src/assessment/response-body.js';
import { buildTranslationRequest } from '../../src/assessment/translation.js';
import { buildVisionRequest } from '../../src/assessment/vision-request.js';
import { TestSandbox } from '../../packages/openai-sandbox/test/support.js';
import { translationSettings, visionSettings } from './fixtures.js';

const promptOf = (name: string) => parsePrompt(readFileSync(`${import.meta.dirname}/../../prompts/${name}.md`, 'utf8'));
const settingsOf = (changes: Partial<ShareSettings['vision']>): ShareSettings => ({
  vision: { ...visionSettings, prompt: promptOf('vision'), ...changes },
  translation: { ...translationSettings, prompt: promptOf('translation') },
  batch: false,
});
const INFO = '2021 BMW X5, one owner, service book';

/** A drawing of its own for every seed, on which the sandbox finds what it likes. */
function drawing(width: number, height: number, seed: number): Promise<Buffer> {
  const of = (n: number, most: number) => (seed * 7_919 + n * 104_729) % most;
  const shapes = Array.from({ length: 12 }, (_, n) => {
    const fill = `rgb(${of(11 * n, 255)},${of(13 * n, 255)},${of(17 * n, 255)})`;
    return `<rect x="${of(n, 960)}" y="${of(3 * n + 1, 640)}" width="${40 + of(5 * n, 200)}" height="${20 + of(7 * n, 160)}" fill="${fill}"/>`;
  });
  const ground = `<rect width="960" height="640" fill="rgb(${of(1, 255)},${of(2, 255)},${of(3, 255)})"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 960 640" preserveAspectRatio="none">${ground}${shapes.join('')}</svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 60 }).toBuffer();
}

const SIZES = [
  [640, 480],
  [1280, 960],
  [4032, 3024],
  [1080, 1920],
] as const;

describe('what a lot costs, beside what the sandbox bills', () => {
  let sandbox: TestSandbox;
  const photos = new Map<string, readonly string[]>();
  beforeAll(async () => {
    sandbox = await TestSandbox.start();
    for (const [width, height] of SIZES) {
      const files = await Promise.all(Array.from({ length: 20 }, (_, seed) => drawing(width, height, seed + 1)));
      const urls = files.map((file) => `data:image/jpeg;base64,${file.toString('base64')}`);
      photos.set(`${width} × ${height}`, urls);
    }
  }, 60_000);
  afterAll(() => sandbox.stop());

  /** Sends the lot, and again if it was the one that wrote the prompt to the cache. */
  async function billed(request: object) {
    let { json } = await sandbox.respond(request);
    if (usageOf(json).cacheWrite > 0) ({ json } = await sandbox.respond(request));
    const items = json['output'] as { content?: { text?: string }[] }[];
    const text = items.flatMap(({ content = [] }) => content.map((part) => part.text ?? '')).join('');
    return { usage: usageOf(json), answer: JSON.parse(text) as { findings: { note?: string | null }[] } };
  }

  const cases = SIZES.flatMap(([width, height]) =>
    (['low', 'high', 'original'] as const).flatMap((detail) =>
      [1, 8, 20].flatMap((count) => [false, true].map((notes) => ({ width, height, detail, count, notes }))),
    ),
  );

  it.each(cases)(
    'agrees for $count photos of $width × $height in detail $detail, notes: $notes',
    async ({ width, height, detail, count, notes }) => {
      const settings = settingsOf({ detail, notes });
      const imageUrls = (photos.get(`${width} × ${height}`) ?? []).slice(0, count);
      const { usage, answer } = await billed(buildVisionRequest({ additionalInfo: INFO, imageUrls }, settings.vision));
      const said = answer.findings.flatMap(({ note = null }) => note ?? []);
      const lot = { ...lotOf(count, { width, height }, answer.findings.length), notes: said };
      const { photos: seen, prompt, answer: rows } = lotShares(lot, settings);
      const written = usage.output - usage.reasoning;
      agree(seen.tokens + prompt.tokens, usage.input);
      agree(rows.tokens, written);
      const { model } = settings.vision;
      const usd = costUsd({ ...usage, output: written }, MODEL_PRICES[model]!, { batch: false, model });
      agree((seen.usd ?? 0) + (prompt.usd ?? 0) + (rows.usd ?? 0), usd);
    },
  );

  it.each([1, 5])('agrees for the lot whose eight notes are translated into %i languages', async (count) => {
    const settings = settingsOf({ notes: true });
    const notes = Array.from({ length: 8 }, () => 'The paint is chipped along the upper edge and the metal is dull.');
    const languages = ['de', 'fr', 'pl', 'it', 'nl'].slice(0, count);
    const { usage: used } = await billed(buildTranslationRequest(notes, languages, settings.translation));
    const { model } = settings.translation;
    const usd = costUsd(used, MODEL_PRICES[model]!, { batch: true, model });
    const lot = { ...lotOf(8, { width: 1280, height: 960 }, 8), notes, languages };
    const { translation, ...others } = lotShares(lot, { ...settings, batch: true });
    const besides = Object.values(others).reduce((sum, share) => sum + (share.usd ?? 0), 0);
    // Nobody knows how long a translation will be; it is a small part of the lot.
    agree(besides + (translation.usd ?? 0), besides + usd);
  });
});

const lotOf = (count: number, size: SampleLot['size'], findings: number): SampleLot => ({
  photos: count,
  size,
  additionalInfo: INFO,
  findings,
  notes: [],
  languages: [],
});

/** Within 2 %. */
function agree(computed: number, measured: number): void {
  expect(measured).toBeGreaterThan(0);
  expect(Math.abs(computed / measured - 1)).toBeLessThanOrEqual(0.02);
}
