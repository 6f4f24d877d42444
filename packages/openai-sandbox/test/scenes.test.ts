import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCENE_NAMES, sceneAskedFor } from '../src/cars/scenes.js';
import type { JsonObject } from '../src/json.js';
import { createBatch, inState, line, results } from './batch-support.js';
import { drawnCar, outputText, PhotoHost, TestSandbox, visionRequest } from './support.js';

let sandbox: TestSandbox;
let host: PhotoHost;
let photos: string[];

beforeAll(async () => {
  sandbox = await TestSandbox.start();
  host = await PhotoHost.start();
  const bytes = await drawnCar();
  photos = ['a', 'b', 'c'].map((name) => host.serve(`${name}.jpg`, bytes));
});

afterAll(async () => {
  await sandbox.stop();
  await host.stop();
});

interface Said {
  readonly findings: readonly { readonly part: string; readonly type: string; readonly photos: readonly number[] }[];
}
const said = (answer: { json: JsonObject }) => JSON.parse(outputText(answer.json)) as Said;

describe('a scene', () => {
  it('is played where the listing asks for it, else the photos are looked at', async () => {
    const played = said(await sandbox.respond(visionRequest(photos, 'sandbox-scene:hail')));
    expect(played.findings.map(({ type }) => type)).toContain('hail_dents');
    const looked = said(await sandbox.respond(visionRequest(photos, 'a car')));
    expect(looked.findings).not.toEqual(played.findings);
  });

  it('is found in the JSON of a listing', () => {
    expect(sceneAskedFor(['<listing_data>\n{"additional_info":"BMW, sandbox-scene:two_dents."}'])).toBe('two_dents');
    expect(sceneAskedFor(['BMW'])).toBeUndefined();
  });

  it('is played by a rule, as often as that says', async () => {
    await sandbox.faults({ action: 'scene', scene: 'two_others', count: 1 });
    const request = visionRequest(photos);
    const played = said(await sandbox.respond(request));
    expect(played.findings.map(({ part, type }) => `${part} ${type}`)).toEqual([
      'other missing_part',
      'other missing_part',
    ]);
    expect(said(await sandbox.respond(request)).findings).not.toEqual(played.findings);
  });

  it('cites the photos by the views that it gives them', async () => {
    const { findings } = said(await sandbox.respond(visionRequest(photos, 'sandbox-scene:left_from_both_sides')));
    expect(findings.map(({ photos: cited }) => cited)).toEqual([[1], [2]]);
  });

  it('that there is not fails its line alone, and the batch ends', async () => {
    const asked = ['hail', 'nowhere'].map((scene) => line(scene, visionRequest(photos, `sandbox-scene:${scene}`)));
    const done = await inState(sandbox, await createBatch(sandbox, asked));
    expect(done).toMatchObject({ status: 'completed', request_counts: { total: 2, completed: 1, failed: 1 } });
    const [failed] = await results(sandbox, done['error_file_id']);
    expect(failed).toMatchObject({ custom_id: 'nowhere', response: { status_code: 500 } });
  });

  it.each(SCENE_NAMES)('answers: %s', async (name) => {
    const { status, json } = await sandbox.respond(visionRequest(photos, `sandbox-scene:${name}`));
    expect(status).toBe(200);
    expect(said({ json }).findings).toBeInstanceOf(Array);
  });

  it('that there is not fails, so that no test passes for nothing', async () => {
    const { status } = await sandbox.respond(visionRequest(photos, 'sandbox-scene:nonsense'));
    expect(status).toBe(500);
  });
});
