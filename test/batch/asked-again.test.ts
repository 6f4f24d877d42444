import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Assessment } from '../../src/assessment/assessment.js';
import { LotDescriber } from '../../src/describe/lot-describer.js';
import { BatchRig } from './rig.js';

// Answers that fit their schema and say nothing, or cite no photo that was sent.

describe('an answer that says too little', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  const visionCalls = async (id: string) => {
    const [row] = await rig.db.database.query<{ calls: string }>(
      `select sum(calls)::text as calls from job_usage where job_id = $1 and stage = 'vision'`,
      [id],
    );
    return Number(row?.calls ?? 0);
  };
  const assessments = async () => {
    const rows = await rig.db.database.query<{ assessment: Assessment }>(
      `select assessment from batch_results where language = 'en' order by position`,
    );
    return rows.map(({ assessment }) => assessment);
  };

  it('in a batch is asked for once more, and the second answer is taken', async () => {
    await rig.fault({ action: 'scene', scene: 'nothing', kind: 'vision', within: 'line' });
    const id = await rig.job({ lots: 2, languages: ['en'] });
    await rig.runToEnd(id);
    expect(await visionCalls(id)).toBe(4);
    expect(
      (await assessments()).map(({ photos }) => photos.some(({ visible_parts }) => visible_parts.length > 0)),
    ).toEqual([true, true]);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('in a batch stands in the end as it is: not assessable, and for review', async () => {
    await rig.fault({ action: 'scene', scene: 'nothing', kind: 'vision' });
    const id = await rig.job({ lots: 1, languages: ['en'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
    expect(await assessments()).toMatchObject([{ assessable: false, needs_review: true, findings: [] }]);
    expect(await visionCalls(id)).toBeLessThanOrEqual(3);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('of the schema before is taken as it is, and paid for once', async () => {
    await rig.fault({ action: 'scene', scene: 'old_schema', kind: 'vision' });
    const id = await rig.job({ lots: 2, languages: ['en'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
    expect(await visionCalls(id)).toBe(2);
    expect(JSON.stringify(await assessments())).not.toMatch(/Delle|liar/);
  });

  const describeOne = async () => {
    let calls = 0;
    const photos = [1, 2].map((number) => ({ number, url: `http://127.0.0.1:9/${number}.jpg` }));
    const { answer } = await rig.module
      .get(LotDescriber, { strict: false })
      .assess(
        { additionalInfo: null, photos, missing: [], photoTokens: null, options: {} },
        { deadlineAt: Number.MAX_SAFE_INTEGER },
        () => {
          calls += 1;
          return Promise.resolve();
        },
      );
    return { calls, assessment: answer.assessment };
  };

  it('that a client waits for is asked for once more', async () => {
    await rig.fault({ action: 'scene', scene: 'uncited', kind: 'vision', count: 1 });
    const { calls, assessment } = await describeOne();
    expect(calls).toBe(2);
    expect(assessment.review_reasons).not.toContain('photo_not_sent');
  });

  it('that a client waits for stands the second time: a severe dent without a photo, for review', async () => {
    await rig.fault({ action: 'scene', scene: 'photo_not_sent', kind: 'vision' });
    const { calls, assessment } = await describeOne();
    expect(calls).toBe(2);
    expect(assessment.findings).toMatchObject([{ type: 'dent', severity: 'severe', photos: [] }]);
    expect(assessment.review_reasons).toEqual(['photo_not_sent']);
  });

  it.each([
    ['nothing at all', { action: 'scene', scene: 'nothing' }],
    ['no JSON', { action: 'broken_json' }],
    ['a refusal', { action: 'refusal' }],
    ['an error', { action: 'image_error' }],
  ])('stands where the second one is %s', async (_, fault) => {
    await rig.fault(
      { action: 'scene', scene: 'uncited', kind: 'vision', count: 1 },
      { ...fault, kind: 'vision', skip: 1 },
    );
    const { calls, assessment } = await describeOne();
    expect(calls).toBeLessThanOrEqual(2);
    expect(assessment.findings).toMatchObject([{ type: 'dent', severity: 'severe', photos: [] }]);
  });
});
