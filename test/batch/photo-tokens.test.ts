import { afterEach, describe, expect, it } from 'vitest';
import { visionInputTokens } from '../../src/assessment/estimate.js';
import { RequestFile, type FileFacts } from '../../src/batch/lines/request-file.js';
import { PhotoSample } from '../../src/batch/stages/photo-sample.js';
import { ModelSettings } from '../../src/describe/model-settings.js';
import { PhotoAveragesStore } from '../../src/jobs/photo-averages-store.js';
import { BatchRig } from './rig.js';

const size = (side: number) => ({ width: side, height: side });
/** A token for each pixel of width; 3,000 at most. */
const settings = { photoTokens: (seen: { width: number } | null) => seen?.width ?? 3_000 };

describe('what the photos of a range take', () => {
  it('looks at every twentieth photo, the first among them, and takes the average of what it saw for the rest', () => {
    const sample = new PhotoSample(settings, 'some', 1_100);
    expect(
      Array.from({ length: 41 }, () => sample.look())
        .map((look, n) => (look ? n : -1))
        .filter((n) => n >= 0),
    ).toEqual([0, 20, 40]);
    expect(sample.tokensOf(3, sample.count([]))).toBe(3_300);
    const known = sample.count([size(600), size(1_000)]);
    expect(known).toEqual({ photos: 2, tokens: 1_600 });
    expect(sample.tokensOf(5, known)).toBe(1_600 + 3 * 800);
    expect(sample.tokensOf(2, sample.count([size(100)]))).toBe(Math.ceil(100 + 1_700 / 3));
  });

  it('looks at every photo of a job with a limit, and takes the most for one that shows no size', () => {
    const sample = new PhotoSample(settings, 'all', 1_100);
    expect(Array.from({ length: 30 }, () => sample.look()).every(Boolean)).toBe(true);
    expect(sample.tokensOf(3, sample.count([size(600), size(600)]))).toBe(1_200 + 3_000);
  });

  it('looks at none where a busy host is asked again, and tells each photo once', () => {
    const sample = new PhotoSample(settings, 'none', 1_100);
    expect(Array.from({ length: 30 }, () => sample.look()).some(Boolean)).toBe(false);
    sample.count([size(500)]);
    expect(sample.news()).toEqual({ photos: 1, tokens: 500 });
    sample.count([size(700)]);
    expect(sample.news()).toEqual({ photos: 1, tokens: 700 });
    expect(sample.news()).toEqual({ photos: 0, tokens: 0 });
  });
});

describe('the check of a batch', () => {
  let rig: BatchRig;
  afterEach(() => rig.close());

  const tokensOf = async (jobId: string) =>
    (
      await rig.db.database.query<{ photo_tokens: number }>(
        'select photo_tokens from batch_lots where job_id = $1 order by position',
        [jobId],
      )
    ).map((row) => row.photo_tokens);

  it('stores what the photos of each lot take, for the ledger and for the next estimate of the key', async () => {
    rig = await BatchRig.start();
    const models = rig.module.get(ModelSettings);
    const averages = rig.module.get(PhotoAveragesStore);
    const real = ['/real-1.jpg', '/real-2.jpg', '/real-3.jpg'];
    const id = await rig.job({ lots: 2, photos: (lot) => (lot === 0 ? real : real.slice(0, 1)) });
    const of = models.photosOf('acme');
    expect(await averages.recent(of)).toBeNull();
    await rig.run('photos');
    const [three, one] = await tokensOf(id);
    expect(one).toBeLessThan(models.photoTokens(null));
    expect(three).toBe(3 * one!);
    await averages.flush();
    expect(await averages.recent(of)).toBe(one);
    const file = rig.module.get(RequestFile);
    const lots = { jobId: id, stage: 'vision', first: 0, last: 1, attempt: 0 } as const;
    const labels = visionInputTokens(4, 0, models.vision, 0) - visionInputTokens(0, 0, models.vision);
    const tokens = 2 * visionInputTokens(0, 0, models.vision) + labels + 4 * one!;
    expect(await file.estimate(lots, { languages: ['en'], options: {} })).toBe(tokens);
    const facts: FileFacts = { lines: 0, bytes: 0, tokens: 0, splitAt: null };
    for await (const _ of file.write(lots, { languages: ['en'], options: {} }, { tokens: null }, facts));
    expect(facts).toMatchObject({ lines: 2, tokens });
  });

  it('takes the most for photos of a job from before sizes were known', async () => {
    rig = await BatchRig.start();
    const models = rig.module.get(ModelSettings);
    const id = await rig.job({ lots: 1 });
    await rig.run('photos');
    await rig.db.database.execute('update batch_lots set photo_tokens = null where job_id = $1', [id]);
    const lots = { jobId: id, stage: 'vision', first: 0, last: 0, attempt: 0 } as const;
    expect(await rig.module.get(RequestFile).estimate(lots, { languages: ['en'], options: {} })).toBe(
      visionInputTokens(2, 0, models.vision),
    );
  });
});
