import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Assessment } from '../../src/assessment/assessment.js';
import { recogniser } from '../../src/describe/recogniser.js';
import { parsePrompt } from '../../src/assessment/prompt.js';
import { rowsOf, parseVisionAnswer, type VisionAnswer } from '../../src/assessment/vision-answer.js';
import { buildVisionRequest } from '../../src/assessment/vision-request.js';
import { SCENE_NAMES } from '../../packages/openai-sandbox/src/cars/scenes.js';
import { drawnCar, PhotoHost, TestSandbox } from '../../packages/openai-sandbox/test/support.js';

// The service's own request, the sandbox's answer, the service's own reading of it.

let sandbox: TestSandbox;
let host: PhotoHost;
let photos: { number: number; url: string }[];

beforeAll(async () => {
  sandbox = await TestSandbox.start();
  host = await PhotoHost.start();
  const bytes = await drawnCar();
  photos = Array.from({ length: 8 }, (_, index) => ({
    number: index + 1,
    url: host.serve(`${index + 1}.jpg`, bytes),
  }));
});

afterAll(async () => {
  await sandbox.stop();
  await host.stop();
});

const prompt = parsePrompt('---\nversion: vision-2\n---\nReport.');

async function ask(info: string, count: number, notes = false): Promise<VisionAnswer> {
  const sent = photos.slice(0, count);
  const request = buildVisionRequest(
    { additionalInfo: info, imageUrls: sent.map(({ url }) => url) },
    { model: 'gpt-5.6-terra', effort: 'low', detail: 'high', maxOutputTokens: 16_000, prompt, notes },
  );
  const { json } = await sandbox.respond(request);
  return parseVisionAnswer(json, sent, prompt.version, notes ? await recogniser() : null);
}

async function played(scene: string, count: number): Promise<{ assessment: Assessment; again: string | null }> {
  const answer = await ask(`A car. sandbox-scene:${scene}`, count);
  if (answer.kind !== 'assessed') throw new Error(JSON.stringify(answer));
  return { assessment: answer.assessment, again: answer.again };
}

describe('the sandbox', () => {
  it.each(SCENE_NAMES)('answers in a form that the service reads: %s', async (scene) => {
    const answer = await ask(`sandbox-scene:${scene}`, 8);
    expect(answer.kind).toBe('assessed');
  });

  it.each([false, true])('says of what it looks at what the schema asks for, notes: %s', async (notes) => {
    const answer = await ask('', 3, notes);
    expect(answer).toMatchObject({
      kind: 'assessed',
      again: null,
      assessment: { vehicle: { kind: 'car', count: 1, colour: expect.not.stringMatching('unknown') as string } },
    });
    if (answer.kind !== 'assessed') return;
    const [first] = answer.assessment.findings;
    expect(first?.zone).not.toBe('unknown');
    expect(first?.extent).not.toBe('unknown');
    expect(first?.description !== null).toBe(notes);
    expect(answer.assessment.findings.flatMap(({ review_reasons }) => review_reasons)).toEqual([]);
    expect(rowsOf(answer.raw).rows).toBeDefined();
  });

  it('plays lots that need no review', async () => {
    for (const scene of ['clean', 'crash', 'hail', 'flood', 'fire', 'motorcycle', 'stripped', 'sixty']) {
      const { assessment, again } = await played(scene, 8);
      expect([scene, again, assessment.review_reasons]).toEqual([scene, null, []]);
    }
  });

  it('plays a clean car that is one, and wrecks that are not', async () => {
    expect((await played('clean', 8)).assessment).toMatchObject({
      findings: [],
      condition_band: 'A',
      assessable: true,
    });
    expect((await played('crash', 8)).assessment).toMatchObject({
      condition_band: 'E',
      damage_areas: { primary: 'Airbags Deployed', secondary: 'Frame Damage' },
    });
    expect((await played('sixty', 8)).assessment.findings).toHaveLength(60);
    expect((await played('motorcycle', 8)).assessment.vehicle.kind).toBe('motorcycle');
  });

  it.each([
    ['nothing', 'nothing_said'],
    ['from_zero', 'photos_not_sent'],
    ['zero_and_one', 'photos_not_sent'],
    ['photo_not_sent', 'photos_not_sent'],
    ['uncited', 'photos_not_sent'],
  ])('plays what is to be asked for again: %s', async (scene, why) => {
    const { assessment, again } = await played(scene, 2);
    expect(again).toBe(why);
    expect(assessment.findings.map(({ photos: shown }) => shown)).toEqual(scene === 'nothing' ? [] : [[]]);
    expect(assessment.needs_review).toBe(true);
  });

  it('plays an answer of the schema before', async () => {
    const { assessment } = await played('old_schema', 2);
    expect(assessment.findings).toMatchObject([{ part: 'door', description: null, zone: 'unknown' }]);
    expect(JSON.stringify(assessment)).not.toMatch(/Delle|liar/);
  });
});
