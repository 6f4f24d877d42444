import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Assessment, Finding } from '../../src/assessment/assessment.js';
import { parsePrompt } from '../../src/assessment/prompt.js';
import { Glossaries } from '../../src/assessment/text/glossaries.js';
import { parseVisionAnswer } from '../../src/assessment/vision-answer.js';
import { buildVisionRequest } from '../../src/assessment/vision-request.js';
import { drawnJpeg } from '../../src/home/drawn-jpeg.js';
import { exampleLot } from '../../src/home/example-lot.js';
import { CATALOGUE, DRAWN_CARS, photosOf, rowsOfCar, SAMPLE_CARS, type SampleCar } from '../../src/home/sample-cars.js';
import { TestSandbox } from '../../packages/openai-sandbox/test/support.js';
import { packagePath } from '../docs/package-path.js';

// Real: the drawn photos as they are served, the service's request, the sandbox's answer, the service's reading of it.

const prompt = parsePrompt(readFileSync(packagePath('prompts/vision.md'), 'utf8'));
const files = readdirSync(packagePath('glossaries')).filter((name) => ['en.json', 'de.json', 'ar.json'].includes(name));
const glossaries = Glossaries.read(
  new Map(files.map((name) => [name.slice(0, -5), readFileSync(packagePath(`glossaries/${name}`), 'utf8')])),
);

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await TestSandbox.start();
});
afterAll(() => sandbox.stop());

/** What the sandbox finds of a car's photos. @param change - of each photo before it is sent */
async function found(car: SampleCar, change = async (jpeg: Buffer) => jpeg): Promise<Assessment> {
  const photos = await Promise.all(
    photosOf(car).map(async (photo, index) => {
      const jpeg = await change(await drawnJpeg(photo));
      return { number: index + 1, url: `data:image/jpeg;base64,${jpeg.toString('base64')}` };
    }),
  );
  const request = buildVisionRequest(
    { additionalInfo: car.listing, imageUrls: photos.map(({ url }) => url) },
    { model: 'gpt-5.6-terra', effort: 'low', detail: 'high', maxOutputTokens: 16_000, prompt, notes: false },
  );
  const { json } = await sandbox.respond(request);
  const answer = parseVisionAnswer(json, photos, prompt.version, null);
  if (answer.kind !== 'assessed') throw new Error(JSON.stringify(answer));
  return answer.assessment;
}

/** A finding in the words that a text takes from it, with the numbers of its photos. */
const inWords = (finding: Finding) => ({
  ...finding,
  description: null,
  photos: finding.photos.map(({ number }) => number),
});

describe('the drawn cars', () => {
  it.each(DRAWN_CARS)('what the sandbox finds of the drawn car $name is what is drawn', async (car) => {
    const { assessment: drawn } = exampleLot(car, (view) => `/${view}.svg`, glossaries);
    const assessment = await found(car);
    expect(assessment.findings.map(inWords)).toEqual(drawn.findings.map(inWords));
    expect(assessment.findings).toHaveLength(car.damages.length);
    const told = ({ vehicle, not_visible, listing_mismatch, needs_review, rejected, simulated }: Assessment) => ({
      vehicle: { ...vehicle, photos: [] },
      not_visible,
      listing_mismatch,
      needs_review,
      rejected,
      simulated,
    });
    expect(told(assessment)).toEqual({ ...told(drawn), simulated: true });
  });

  it('a photo that no longer says what is drawn in it is looked at like any other', async () => {
    const { default: sharp } = await import('sharp');
    const [blue] = SAMPLE_CARS as [SampleCar];
    const bare = await found(blue, (jpeg) => sharp(jpeg).jpeg().toBuffer());
    const drawn = await found(blue);
    expect(bare.simulated).toBe(true);
    expect(bare.findings.map(inWords)).not.toEqual(drawn.findings.map(inWords));
  });

  it('no two cars of the catalogue are the same, some are undamaged, and some are listed in another colour', () => {
    const lots = CATALOGUE.map(({ colour, damages, views }) =>
      JSON.stringify([colour, damages.map(({ row }) => [row.part, row.type]), views]),
    );
    expect(new Set(lots).size).toBe(CATALOGUE.length);
    expect(CATALOGUE.filter(({ damages }) => damages.length === 0)).not.toEqual([]);
    const others = CATALOGUE.filter((car) => rowsOfCar(car).listing_mismatch.length > 0);
    expect(others.length).toBeGreaterThan(1);
    expect(others.length).toBeLessThan(CATALOGUE.length / 4);
  });
});
