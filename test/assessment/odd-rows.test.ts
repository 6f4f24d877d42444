import { describe, expect, it } from 'vitest';
import { assess } from '../../src/assessment/assess.js';
import { whyAskAgain } from '../../src/assessment/ask-again.js';
import type { Assessment, PhotoRef } from '../../src/assessment/assessment.js';
import { needsReviewOf } from '../../src/assessment/lot-review.js';
import type { View } from '../../src/assessment/taxonomy.js';
import { usualParts } from '../../src/assessment/usual-parts.js';
import type { FindingRow, PhotoRow, VisionRows } from '../../src/assessment/vision-rows.js';
import { finding, noFlags, photoRow, rows } from './fixtures.js';

// Rows as models send them, and what may be made of them. What they are made of in words is tested with the text.

const refs = (count: number): PhotoRef[] =>
  Array.from({ length: count }, (_, index) => ({ number: index + 1, url: `https://cdn.test/${index + 1}.jpg` }));
const views = (...list: readonly View[]): PhotoRow[] =>
  list.map((view, index) => photoRow({ number: index + 1, view, visible_parts: usualParts(view, 'car') }));
const run = (changes: Partial<VisionRows>): Assessment => {
  const said = rows(changes);
  return assess(said, refs(Math.max(said.photos.length, 1)), { model: 'm', promptVersion: 'p' });
};
const raised = (flag: keyof VisionRows['flags'], ...photos: number[]): VisionRows['flags'] => ({
  ...noFlags,
  [flag]: { value: 'yes', photos },
});
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
    expect(run({ photos: dark })).toMatchObject({ assessable: false, condition_band: null });
    expect(run({ photos: views('unusable', 'unusable') }).assessable).toBe(false);
    expect(run({ vehicle: { ...rows().vehicle, kind: 'none' }, photos: views('front') })).toMatchObject({
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
    const assessment = run({ photos, findings: [finding({ photos: [1] })], flags: raised('fire', 1) });
    expect(assessment.photos.map(({ view }) => view)).toEqual(['front', 'left']);
    expect(assessment.findings[0]?.photos).toEqual([]);
    expect(assessment).toMatchObject({ unconfirmed: true, flags: { fire: { value: null } } });
    expect(assessment.vehicle).toMatchObject({ photos: [], colour: 'unknown' });
  });
});

describe('a damage that only an unusable photo shows', () => {
  it('is left out and could not be confirmed', () => {
    const photos = [...views('front'), photoRow({ number: 2, view: 'unusable' })];
    expect(run({ photos, findings: [finding({ severity: 'severe', photos: [2] })] })).toMatchObject({
      findings: [],
      unconfirmed: true,
      condition_band: null,
      review_reasons: ['photo_unusable'],
    });
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
    const assessment = run({ photos, findings: [scratch] });
    expect(statusOf(assessment, 'underbody')).toBe('not_visible');
    expect(assessment.findings[0]).toMatchObject({ needs_review: false });
  });

  it('is each area once', () => {
    const { coverage } = run({ photos: views('front_left', 'rear_right', 'interior') });
    expect(new Set(coverage.areas.map(({ area }) => area)).size).toBe(coverage.areas.length);
  });

  it('of a motorcycle is no interior, roof or underbody', () => {
    const vehicle = { ...rows().vehicle, kind: 'motorcycle' as const };
    const assessment = run({ vehicle, photos: views('left', 'right') });
    expect(assessment.coverage.areas.map(({ area }) => area)).toEqual(['front', 'rear', 'left_side', 'right_side']);
    expect(assessment.not_visible).toEqual(['front', 'rear']);
    expect(assessment.vehicle).toMatchObject({ kind: 'motorcycle', body: 'unknown', doors: 'unknown' });
    expect(run({ vehicle, interior: { state: 'soiled', photos: [1] } }).interior.state).toBe('unknown');
  });
});

describe('damages that are two', () => {
  it('stay two: radio and battery, both without a name', () => {
    const gone = finding({ part: 'other', side: 'n/a', end: 'n/a', type: 'missing_part', viewpoint: 'interior' });
    expect(run({ photos: views('interior'), findings: [gone, gone] }).findings).toHaveLength(2);
  });

  it('stay two: a small and a deep dent of one door', () => {
    const assessment = run({ findings: [finding({ severity: 'minor' }), finding({ severity: 'severe' })] });
    expect(places(assessment)).toEqual(['door left front dent severe', 'door left front dent minor']);
    expect(assessment.needs_review).toBe(false);
  });

  it('stay as many as a photo shows where other photos tell them in other words', () => {
    const scratch = (changes: Partial<FindingRow>) =>
      finding({ part: 'bumper', side: 'center', end: 'rear', type: 'scratch', severity: 'minor', ...changes });
    const photos = [...views('rear', 'rear_left'), photoRow({ number: 3, view: 'detail', visible_parts: ['bumper'] })];
    const assessment = run({
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
    const assessment = run({
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
    const assessment = run({ photos: views('left', 'right'), findings: seen });
    expect(assessment.findings).toMatchObject([
      { side: 'left', confidence: 'medium', review_reasons: ['side_contradicts_view'] },
    ]);
  });

  it('takes the side where the same place is left in one row and right in the other', () => {
    const assessment = run({ findings: [finding(), finding({ side: 'right' })] });
    expect(assessment.findings).toMatchObject([{ side: 'unknown', confidence: 'medium', needs_review: true }]);
  });

  it('is no damage: two doubtful rows from dark photos, one faint spot in an engine bay', () => {
    const dark = views('front_left', 'rear_right').map((photo) => ({ ...photo, issues: ['too_dark' as const] }));
    const low = finding({ confidence: 'low', severity: 'unknown', viewpoint: 'front_left', side: 'unknown' });
    expect(
      run({ photos: dark, findings: [low, { ...low, photos: [2], viewpoint: 'rear_right', part: 'quarter_panel' }] }),
    ).toMatchObject({ condition_band: null, damage_areas: { primary: null, secondary: null } });
    const rust = finding({
      part: 'engine_bay',
      type: 'corrosion',
      severity: 'minor',
      viewpoint: 'engine_bay',
      extent: 'spot',
    });
    expect(run({ photos: views('engine_bay'), findings: [rust] }).condition_band).toBeNull();
  });
});

describe('geometry', () => {
  const lamp = (changes: Partial<FindingRow>) =>
    finding({ viewpoint: 'rear_right', part: 'tail_light', end: 'rear', type: 'crack', ...changes });

  it.each<[string, View, FindingRow]>([
    [
      "tail light at the picture's right of a rear-right view",
      'rear_right',
      lamp({ in_picture: 'right', side: 'left' }),
    ],
    ['far called near', 'rear_right', lamp({ nearness: 'near', side: 'left' })],
    ['near called far', 'rear_right', lamp({ nearness: 'far', side: 'right' })],
    [
      'the half of a bumper',
      'front_left',
      finding({ viewpoint: 'front_left', in_picture: 'right', part: 'bumper', side: 'right' }),
    ],
    ['a tail light from the front', 'front_left', lamp({ viewpoint: 'front_left', side: 'left' })],
    ['a bonnet from the rear', 'rear', finding({ viewpoint: 'rear', part: 'bonnet', side: 'center' })],
    ["the other side's headlight from the flank", 'left', finding({ part: 'headlight', side: 'right', type: 'crack' })],
    ["a rear wheel at a flank's front", 'left', finding({ part: 'wheel', end: 'rear', in_picture: 'left' })],
  ])('excludes %s', (_, view, row) => {
    const [found] = run({ photos: views(view), findings: [row] }).findings;
    expect(found?.review_reasons).toContain('side_contradicts_view');
    expect(found?.confidence).toBe('medium');
  });

  it.each<[string, View, FindingRow]>([
    ['the right tail light at the right', 'rear_right', lamp({ in_picture: 'right', side: 'right', nearness: 'near' })],
    ['the far tail light at the left', 'rear_right', lamp({ in_picture: 'left', side: 'left', nearness: 'far' })],
    ['the near tail light in the middle', 'rear_right', lamp({ side: 'right', nearness: 'near' })],
    [
      'the near headlight',
      'front_left',
      finding({ viewpoint: 'front_left', part: 'headlight', side: 'left', type: 'crack' }),
    ],
    [
      'a rear wheel at the rear',
      'right',
      finding({ viewpoint: 'right', side: 'right', part: 'wheel', end: 'rear', type: 'curb_rash', in_picture: 'left' }),
    ],
  ])('allows %s', (_, view, row) => {
    expect(run({ photos: views(view), findings: [row] }).findings[0]).toMatchObject({
      confidence: 'high',
      review_reasons: [],
    });
  });

  it('knows which way a photo of the interior looks', () => {
    const seat = finding({ part: 'seat', type: 'tear', viewpoint: 'interior', in_picture: 'left', end: 'rear' });
    const reasons = (looking: PhotoRow['looking']) =>
      run({ photos: views('interior').map((photo) => ({ ...photo, looking })), findings: [seat] }).findings[0]
        ?.review_reasons;
    expect(reasons('forward')).toEqual([]);
    expect(reasons('unknown')).toEqual([]);
    expect(reasons('rearward')).toEqual(['side_contradicts_view']);
  });
});

describe('flags', () => {
  it('need a photo that can show them', () => {
    const photos = views('rear', 'interior');
    const refused = run({ photos, flags: raised('airbags_deployed', 1) });
    expect(refused).toMatchObject({
      flags: { airbags_deployed: { value: null, photos: [] } },
      unconfirmed: true,
      review_reasons: ['flag_not_shown'],
    });
    expect(run({ photos, flags: raised('airbags_deployed', 1, 2) }).flags.airbags_deployed).toMatchObject({
      value: true,
      photos: [{ number: 2 }],
    });
    expect(run({ photos, flags: raised('hail', 2) }).flags.hail.value).toBeNull();
  });

  it('are true by a finding, whatever the model says of them, which is looked at', () => {
    const airbag = finding({ viewpoint: 'interior', part: 'airbag', side: 'n/a', end: 'n/a', type: 'airbag_deployed' });
    const flags = { ...noFlags, airbags_deployed: { value: 'no' as const, photos: [] } };
    const photos = views('interior').map((photo) => ({ ...photo, visible_parts: ['airbag' as const] }));
    const assessment = run({ photos, findings: [airbag], flags });
    expect(assessment.flags.airbags_deployed.value).toBe(true);
    expect(assessment.review_reasons).toEqual(['flag_contradicts_finding']);
  });

  it('make a lot assessable in which nothing was found', () => {
    const dark = views('front').map((photo) => ({ ...photo, issues: ['too_dark' as const] }));
    expect(run({ photos: dark, flags: raised('fire', 1) }).assessable).toBe(true);
  });
});

describe('ordinary findings', () => {
  it.each<[string, View, Partial<FindingRow>]>([
    ['a missing seat', 'interior', { part: 'seat', end: 'rear', type: 'missing_part', viewpoint: 'interior' }],
    ['a missing mirror', 'left', { part: 'mirror', type: 'missing_part' }],
    [
      'a scratch on an exhaust',
      'rear',
      { part: 'exhaust', side: 'n/a', end: 'n/a', type: 'scratch', viewpoint: 'rear' },
    ],
    ['a loose moulding', 'left', { part: 'moulding', type: 'detached' }],
    ['a bent wiper', 'front', { part: 'wiper', side: 'n/a', type: 'broken', viewpoint: 'front' }],
  ])('are not marked: %s', (_, view, row) => {
    const photos = views(view).map((photo) => ({
      ...photo,
      visible_parts: photo.visible_parts.filter((part) => part !== row.part),
    }));
    expect(run({ photos, findings: [finding(row)] }).findings[0]).toMatchObject({
      confidence: 'high',
      needs_review: false,
    });
  });
});

describe('an odometer that two photos show', () => {
  const read = (...values: string[]) =>
    run({
      photos: views('interior', 'interior'),
      readings: values.map((value, index) => ({ kind: 'odometer' as const, value, photo: index + 1 })),
    }).readings.odometer;

  it('is one reading however it is spaced', () => {
    expect(read('98 765 km', '98765km')?.value).toBe('98 765 km');
    expect(read('98765', '98,765 km')).toMatchObject({ value: '98,765 km', photo: { number: 2 } });
    expect(read('98,765 km', '98,765 mi')).toBeNull();
    expect(read('98,765 km', '98,766 km')).toBeNull();
  });
});

describe('damage areas', () => {
  it('lead with airbags and structure and call nothing minor beside them', () => {
    const pale = finding({
      photos: [2],
      viewpoint: 'front',
      part: 'bonnet',
      side: 'center',
      type: 'paint_mismatch',
      severity: 'minor',
    });
    const photos = views('interior', 'front');
    expect(run({ photos, findings: [pale], flags: raised('airbags_deployed', 1) }).damage_areas).toEqual({
      primary: 'Airbags Deployed',
      secondary: null,
    });
    const dent = { ...pale, type: 'dent' as const, severity: 'unknown' as const };
    expect(run({ photos, findings: [dent], flags: raised('structural_suspected', 2) }).damage_areas).toEqual({
      primary: 'Frame Damage',
      secondary: 'Front End',
    });
    expect(run({ photos, findings: [dent] }).damage_areas.primary).toBe('Front End');
  });
});

describe('the vehicle', () => {
  it('is what usable photos show, and asks for a look where it is several or another one', () => {
    const vehicle = { ...rows().vehicle, count: 2 };
    expect(run({ vehicle, listing_mismatch: ['colour', 'colour'] })).toMatchObject({
      vehicle: { kind: 'car', body: 'estate', colour: 'silver', doors: 'five' },
      listing_mismatch: ['colour'],
      review_reasons: ['several_vehicles', 'listing_mismatch'],
    });
    expect(run({ vehicle: { ...vehicle, count: 1, photos: [9] } }).vehicle).toMatchObject({
      body: 'unknown',
      colour: 'unknown',
      doors: 'unknown',
    });
  });

  it('has an interior and tyres only as photos of them show, and none that its damages contradict', () => {
    const photos = views('left', 'interior');
    const seen = {
      interior: { state: 'light_wear', photos: [2] },
      tyres: { state: 'tread_visible', photos: [1] },
    } as const;
    expect(run({ photos, ...seen })).toMatchObject({
      interior: { state: 'light_wear' },
      tyres: { state: 'tread_visible' },
    });
    const swapped = { interior: { ...seen.interior, photos: [1] }, tyres: { ...seen.tyres, photos: [2] } };
    expect(run({ photos, ...swapped })).toMatchObject({
      interior: { state: 'unknown', photos: [] },
      tyres: { state: 'unknown', photos: [] },
    });
    const torn = finding({ photos: [2], viewpoint: 'interior', part: 'seat', type: 'tear', severity: 'severe' });
    const flat = finding({ part: 'tyre', type: 'flat_tyre', severity: 'severe' });
    expect(run({ photos, ...seen, findings: [torn, flat] })).toMatchObject({
      interior: { state: 'unknown' },
      tyres: { state: 'unknown' },
    });
  });
});
