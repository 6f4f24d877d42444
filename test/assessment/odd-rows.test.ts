import { describe, expect, it } from 'vitest';
import { assess } from '../../src/assessment/assess.js';
import { whyAskAgain } from '../../src/assessment/ask-again.js';
import type { Assessment } from '../../src/assessment/assessment.js';
import { needsReviewOf } from '../../src/assessment/lot-review.js';
import type { View } from '../../src/assessment/taxonomy.js';
import type { FindingRow, PhotoRow } from '../../src/assessment/vision-rows.js';
import { assessed, finding, photoRow, raised, refs, rows, views } from './fixtures.js';

// Rows as models send them, and what may be made of them. What they are made of in words is tested with the text.

const statusOf = ({ coverage }: Assessment, area: string) =>
  coverage.areas.find((entry) => entry.area === area)?.status ?? 'none';
const places = ({ findings }: Assessment) =>
  findings.map(({ part, side, end, type, severity }) => [part, side, end, type, severity].join(' '));

describe('an answer that says nothing', () => {
  const nothing = rows({ photos: [] });

  it('is asked for again once, and then allows no assessment', () => {
    expect(whyAskAgain(nothing, 3)).toBe('nothing_said');
    expect(whyAskAgain(rows(), 2)).toBeNull();
    expect(whyAskAgain({ ...nothing, findings: [finding()] }, 3)).toBeNull();
    const assessment = assess(nothing, refs(3), { model: 'm', promptVersion: 'p' });
    expect(assessment).toMatchObject({ assessable: false, condition_band: null, needs_review: true });
    expect(needsReviewOf(assessment).reasons).toEqual(['photo_not_described', 'not_assessable']);
  });

  it('allows none where all twenty photos are dark and blurred, or show no vehicle', () => {
    const dark = Array.from({ length: 20 }, (_, index) =>
      photoRow({ number: index + 1, view: 'front', visible_parts: ['bumper'], issues: ['too_dark', 'blur'] }),
    );
    expect(assessed({ photos: dark })).toMatchObject({ assessable: false, condition_band: null });
    expect(assessed({ photos: views('unusable', 'unusable') }).assessable).toBe(false);
    expect(assessed({ vehicle: { ...rows().vehicle, kind: 'none' }, photos: views('front') })).toMatchObject({
      assessable: false,
      review_reasons: ['no_vehicle', 'not_assessable'],
    });
  });
});

describe('photos that are numbered wrong', () => {
  const severe = (...photos: number[]) => finding({ severity: 'severe', photos });

  it.each([[[0]], [[0, 1]], [[99]], [[]]])('are asked for again on a severe dent: %j', (photos) => {
    const said = rows({ findings: [severe(...photos)] });
    expect(whyAskAgain(said, 2)).toBe('photos_not_sent');
    const assessment = assess(said, refs(2), { model: 'm', promptVersion: 'p' });
    expect(assessment.findings).toMatchObject([
      { type: 'dent', severity: 'severe', photos: [], review_reasons: ['photo_not_sent'] },
    ]);
    expect(assessment).toMatchObject({ assessable: true, needs_review: true });
    expect(assessment.photos.map(({ number }) => number)).toEqual([1, 2]);
  });

  it('are no reason to ask again where a minor dent cites none, which could not be confirmed', () => {
    const said = rows({ findings: [finding({ severity: 'minor', photos: [9] })] });
    expect(whyAskAgain(said, 2)).toBeNull();
    expect(assess(said, refs(2), { model: 'm', promptVersion: 'p' })).toMatchObject({
      findings: [],
      unconfirmed: true,
      review_reasons: ['photo_not_sent'],
    });
  });

  it('say what each photo shows by their order where they count from 0 throughout', () => {
    const photos = views('front', 'left').map((photo, index) => ({ ...photo, number: index }));
    const assessment = assessed({ photos, findings: [finding({ photos: [1] })], flags: raised('fire', 1) });
    expect(assessment.photos.map(({ view }) => view)).toEqual(['front', 'left']);
    expect(assessment.findings[0]?.photos).toEqual([]);
    expect(assessment).toMatchObject({ unconfirmed: true, flags: { fire: { value: null } } });
    expect(assessment.vehicle).toMatchObject({ photos: [], colour: 'unknown' });
  });
});

describe('a damage that only an unusable photo shows', () => {
  it('is left out and could not be confirmed', () => {
    const photos = [...views('front'), photoRow({ number: 2, view: 'unusable' })];
    expect(assessed({ photos, findings: [finding({ severity: 'severe', photos: [2] })] })).toMatchObject({
      findings: [],
      unconfirmed: true,
      condition_band: null,
      review_reasons: ['photo_unusable'],
    });
  });

  it('is not a further one where a good photo shows it too', () => {
    const photos = [...views('left'), photoRow({ number: 2, view: 'unusable' })];
    expect(assessed({ photos, findings: [finding(), finding({ photos: [2] })] })).toMatchObject({
      unconfirmed: false,
      needs_review: true,
    });
  });
});

describe('a damage of unknown side', () => {
  it('lets no area that its photos show be called free of damage', () => {
    const row = finding({ viewpoint: 'front_left', side: 'unknown' });
    const assessment = assessed({ photos: views('front_left', 'right'), findings: [row] });
    expect(statusOf(assessment, 'left_side')).toBe('damaged');
    expect(statusOf(assessment, 'front')).toBe('no_visible_damage');
    expect(statusOf(assessment, 'right_side')).toBe('no_visible_damage');
  });
});

describe('what photos show', () => {
  it('is no underbody where a pipe looks out under the rear bumper', () => {
    const [rear] = views('rear');
    const photos = [{ ...rear, visible_parts: ['bumper', 'tailgate', 'exhaust'] } as PhotoRow];
    const scratch = finding({
      photos: [1],
      viewpoint: 'rear',
      part: 'exhaust',
      side: 'n/a',
      end: 'n/a',
      type: 'scratch',
    });
    const assessment = assessed({ photos, findings: [scratch] });
    expect(statusOf(assessment, 'underbody')).toBe('not_visible');
    expect(assessment.findings[0]).toMatchObject({ needs_review: false });
  });

  it('is each area once', () => {
    const { coverage } = assessed({ photos: views('front_left', 'rear_right', 'interior') });
    expect(new Set(coverage.areas.map(({ area }) => area)).size).toBe(coverage.areas.length);
  });

  it('of a motorcycle is no interior, roof or underbody', () => {
    const vehicle = { ...rows().vehicle, kind: 'motorcycle' as const };
    const assessment = assessed({ vehicle, photos: views('left', 'right') });
    expect(assessment.coverage.areas.map(({ area }) => area)).toEqual(['front', 'rear', 'left_side', 'right_side']);
    expect(assessment.not_visible).toEqual(['front', 'rear']);
    expect(assessment.vehicle).toMatchObject({ kind: 'motorcycle', body: 'unknown', doors: 'unknown' });
    expect(assessed({ vehicle, interior: { state: 'soiled', photos: [1] } }).interior.state).toBe('unknown');
  });
});

describe('damages that are two', () => {
  it('stay two: radio and battery, both without a name', () => {
    const gone = finding({ part: 'other', side: 'n/a', end: 'n/a', type: 'missing_part', viewpoint: 'interior' });
    expect(assessed({ photos: views('interior'), findings: [gone, gone] }).findings).toHaveLength(2);
  });

  it('stay two: a small and a deep dent of one door', () => {
    const assessment = assessed({ findings: [finding({ severity: 'minor' }), finding({ severity: 'severe' })] });
    expect(places(assessment)).toEqual(['door left front dent severe', 'door left front dent minor']);
    expect(assessment.needs_review).toBe(false);
  });

  it('stay as many as a photo shows where other photos tell them in other words', () => {
    const scratch = (changes: Partial<FindingRow>) =>
      finding({ part: 'bumper', side: 'center', end: 'rear', type: 'scratch', severity: 'minor', ...changes });
    const photos = [...views('rear', 'rear_left'), photoRow({ number: 3, view: 'detail', visible_parts: ['bumper'] })];
    const assessment = assessed({
      photos,
      findings: [
        scratch({ photos: [1], viewpoint: 'rear' }),
        scratch({ photos: [2], viewpoint: 'rear_left', in_picture: 'left', side: 'left', severity: 'moderate' }),
        scratch({ photos: [3], viewpoint: 'detail', side: 'unknown', type: 'scuff', confidence: 'medium' }),
        scratch({ photos: [1], viewpoint: 'rear', in_picture: 'right', side: 'right' }),
        scratch({ photos: [3], viewpoint: 'detail', side: 'n/a', end: 'n/a' }),
      ],
    });
    expect(assessment.findings.map(({ side, photos: shown }) => [side, shown.map(({ number }) => number)])).toEqual([
      [expect.stringMatching(/left|center/), [1, 2, 3]],
      ['right', [1, 3]],
    ]);
  });

  it('are as many as there are wheels', () => {
    const rim = (
      photo: number,
      viewpoint: View,
      in_picture: 'left' | 'right',
      side: 'left' | 'right',
      end: 'front' | 'rear',
    ) =>
      finding({ photos: [photo], viewpoint, in_picture, part: 'rim', side, end, type: 'curb_rash', severity: 'minor' });
    const assessment = assessed({
      photos: views('left', 'right'),
      findings: [
        rim(1, 'left', 'left', 'left', 'front'),
        rim(1, 'left', 'right', 'left', 'rear'),
        rim(2, 'right', 'left', 'right', 'rear'),
        rim(2, 'right', 'right', 'right', 'front'),
      ],
    });
    expect(assessment.findings).toHaveLength(4);
    expect(assessment.needs_review).toBe(false);
  });
});

describe('doubt', () => {
  it('survives where one door dent is seen from both sides as left', () => {
    const seen = [finding(), finding({ photos: [2], viewpoint: 'right' })];
    const assessment = assessed({ photos: views('left', 'right'), findings: seen });
    expect(assessment.findings).toMatchObject([
      { side: 'left', confidence: 'medium', review_reasons: ['side_contradicts_view'] },
    ]);
  });

  it('takes the side where the same place is left in one row and right in the other', () => {
    const assessment = assessed({ findings: [finding(), finding({ side: 'right' })] });
    expect(assessment.findings).toMatchObject([{ side: 'unknown', confidence: 'medium', needs_review: true }]);
  });

  it('is no damage: two doubtful rows from dark photos, one faint spot in an engine bay', () => {
    const dark = views('front_left', 'rear_right').map((photo) => ({ ...photo, issues: ['too_dark' as const] }));
    const low = finding({ confidence: 'low', severity: 'unknown', viewpoint: 'front_left', side: 'unknown' });
    expect(
      assessed({
        photos: dark,
        findings: [low, { ...low, photos: [2], viewpoint: 'rear_right', part: 'quarter_panel' }],
      }),
    ).toMatchObject({ condition_band: null, damage_areas: { primary: null, secondary: null } });
    const rust = finding({
      part: 'engine_bay',
      type: 'corrosion',
      severity: 'minor',
      viewpoint: 'engine_bay',
      extent: 'spot',
    });
    expect(assessed({ photos: views('engine_bay'), findings: [rust] }).condition_band).toBeNull();
  });
});
