import { describe, expect, it } from 'vitest';
import { assess } from '../../src/assessment/assess.js';
import type { Assessment, PhotoRef } from '../../src/assessment/assessment.js';
import { vinCheckDigitFits } from '../../src/assessment/lot-facts.js';
import { recogniser } from '../../src/describe/recogniser.js';
import type { VisionRows } from '../../src/assessment/vision-rows.js';
import { finding, HOSTILE, noFlags, photoRow, rows, twoPhotos } from './fixtures.js';

const recognises = await recogniser();
/** Of a lot whose client asked for notes. */
const run = (changes: Partial<VisionRows>, photos: readonly PhotoRef[] = twoPhotos): Assessment =>
  assess(rows(changes), photos, { model: 'm', promptVersion: 'p' }, recognises);
const statusOf = (assessment: Assessment, area: string) =>
  assessment.coverage.areas.find((entry) => entry.area === area)?.status;

describe('photos that a row cites', () => {
  it("are named by number and address in the client's own list", () => {
    const photos = [
      { number: 3, url: 'https://cdn.test/3.jpg' },
      { number: 7, url: 'https://cdn.test/7.jpg' },
    ];
    const bumper = finding({ photos: [2], viewpoint: 'front', part: 'bumper', side: 'center' });
    expect(run({ findings: [bumper] }, photos).findings[0]?.photos).toEqual([photos[1]]);
  });

  it.each([[[99]], [[-1]], [[]]])('reject the row when none of %j was sent', (cited) => {
    const assessment = run({ findings: [finding({ photos: cited })] });
    expect(assessment.findings).toEqual([]);
    expect(assessment.rejected).toEqual([
      { part: 'door', side: 'left', end: 'front', type: 'dent', reason: 'photo_not_sent' },
    ]);
    expect(assessment).toMatchObject({ needs_review: true, review_reasons: ['photo_not_sent'], unconfirmed: true });
  });

  it('mark the row when some were not sent', () => {
    const [row] = run({ findings: [finding({ photos: [1, 99] })] }).findings;
    expect(row?.photos).toEqual([twoPhotos[0]]);
    expect(row?.review_reasons).toEqual(['photo_not_sent']);
  });

  it.each([
    { view: 'unusable', issues: [] },
    { view: 'left', issues: ['not_a_vehicle'] },
  ] as const)('reject the row when all are unusable: %j', ({ view, issues }) => {
    const photos = [photoRow({ view, visible_parts: ['door'], issues })];
    const assessment = run({ photos, findings: [finding()] }, twoPhotos.slice(0, 1));
    expect(assessment.findings).toEqual([]);
    expect(assessment.rejected[0]?.reason).toBe('photo_unusable');
    expect(assessment.assessable).toBe(false);
  });

  it('are dropped from the evidence when they do not show the part and others do', () => {
    expect(run({ findings: [finding({ photos: [1, 2] })] }).findings[0]?.photos).toEqual([twoPhotos[0]]);
  });

  it('mark the row when none of them shows the part', () => {
    const [row] = run({ findings: [finding({ photos: [2], viewpoint: 'front', side: 'unknown' })] }).findings;
    expect(row?.review_reasons).toEqual(['part_not_visible']);
    expect(row?.photos).toEqual([twoPhotos[1]]);
  });
});

describe('contradictions', () => {
  it('leave a consistent row alone', () => {
    const [row] = run({ findings: [finding()] }).findings;
    expect(row).toMatchObject({ needs_review: false, review_reasons: [], confidence: 'high' });
  });

  it('mark a type that does not fit the part and never delete the row', () => {
    const [row] = run({ findings: [finding({ type: 'flat_tyre' })] }).findings;
    expect(row).toMatchObject({ type: 'flat_tyre', needs_review: true, review_reasons: ['type_does_not_fit_part'] });
  });

  it.each([
    ['the right door in a view of the left', finding({ side: 'right' }), 'side_contradicts_view'],
    [
      "the left headlight on the picture's left, seen from the front",
      finding({ photos: [2], viewpoint: 'front', in_picture: 'left', part: 'headlight', type: 'crack' }),
      'side_contradicts_view',
    ],
    [
      'the rear bumper in a view of the front',
      finding({ photos: [2], viewpoint: 'front', part: 'bumper', side: 'center', end: 'rear' }),
      'side_contradicts_view',
    ],
    ['a viewpoint that the photo does not have', finding({ viewpoint: 'rear_left' }), 'viewpoint_contradicts_photo'],
    [
      'a headlight at the rear',
      finding({ photos: [2], viewpoint: 'front', part: 'headlight', type: 'crack', end: 'rear', in_picture: 'right' }),
      'end_contradicts_part',
    ],
  ] as const)('lower the confidence: %s', (_, row, reason) => {
    const [found] = run({ findings: [row] }).findings;
    expect(found?.review_reasons).toEqual([reason]);
    expect(found?.confidence).toBe('medium');
  });

  it("accept the left headlight on the picture's right, seen from the front", () => {
    const row = finding({ photos: [2], viewpoint: 'front', in_picture: 'right', part: 'headlight', type: 'crack' });
    expect(run({ findings: [row] }).findings[0]?.review_reasons).toEqual([]);
  });
});

describe('a note', () => {
  it.each(HOSTILE)('is dropped and marked when suspicious: %j', (note) => {
    const assessment = run({ findings: [finding({ note })] });
    expect(assessment.findings[0]).toMatchObject({ description: null, review_reasons: ['suspicious_text'] });
    expect(assessment.needs_review).toBe(true);
  });

  it.each(['The rest is undamaged.', 'No other damage.', 'Otherwise in excellent condition', 'Paint intact.'])(
    'may not praise: %s',
    (note) => {
      const assessment = run({ findings: [finding({ note })] });
      expect(assessment.findings[0]).toMatchObject({ description: null, review_reasons: ['unsupported_claim'] });
    },
  );

  it('is kept when it describes damage', () => {
    const note = 'Primer shows, and the paint flakes along it.';
    expect(run({ findings: [finding({ note })] }).findings[0]).toMatchObject({
      description: note,
      needs_review: false,
    });
  });

  it('that says what the row says, or another damage, is refused and the row stands for review', () => {
    const note = 'There is a hole in the right rear door; see photo 7.';
    const assessment = run({ findings: [finding({ type: 'scratch', note })] });
    expect(assessment.findings[0]).toMatchObject({ description: null, review_reasons: ['note_refused'] });
    expect(assessment.review_reasons).toEqual(['note_refused']);
  });

  it('in another language is refused, all of a lot together', () => {
    const notes = ['Das Blech ist tief gefaltet.', 'Der Lack hebt sich ab.'];
    const findings = notes.map((note, index) => finding({ note, part: index === 0 ? 'door' : 'fender' }));
    expect(run({ findings }).findings.map(({ description, review_reasons }) => [description, review_reasons])).toEqual([
      [null, ['note_refused']],
      [null, ['note_refused']],
    ]);
  });

  it('that comes unasked is dropped, and that is no reason for a review', () => {
    const said = rows({ findings: [finding({ note: 'Pushed in with a sharp crease.' })] });
    const assessment = assess(said, twoPhotos, { model: 'm', promptVersion: 'p' });
    expect(assessment.findings[0]).toMatchObject({ description: null, needs_review: false });
  });
});

describe('coverage', () => {
  it('says "no visible damage" only of what a usable photo was taken of', () => {
    const assessment = run({ findings: [finding()] });
    expect(statusOf(assessment, 'left_side')).toBe('damaged');
    expect(statusOf(assessment, 'front')).toBe('no_visible_damage');
    expect(assessment.not_visible).toEqual(['rear', 'right_side', 'roof', 'underbody', 'interior', 'engine_bay']);
    expect(assessment.coverage.score).toBe(0.25);
  });

  it('is uncertain where only a poor photo, a glimpse, or the model says otherwise', () => {
    const assessment = run({
      photos: [
        photoRow({ visible_parts: ['door', 'roof'], issues: ['blur'] }),
        photoRow({ number: 2, view: 'front', visible_parts: ['bumper'] }),
      ],
      not_visible: ['front'],
    });
    expect(statusOf(assessment, 'left_side')).toBe('uncertain');
    expect(statusOf(assessment, 'roof')).toBe('uncertain');
    expect(statusOf(assessment, 'front')).toBe('uncertain');
  });

  it('counts a photo that the model passed over as showing nothing', () => {
    const assessment = run({ photos: rows().photos.slice(0, 1) });
    expect(assessment.photos[1]).toMatchObject({ number: 2, view: 'detail', visible_parts: [] });
    expect(assessment.not_visible).toContain('front');
  });
});

describe('flags', () => {
  const said = (flag: string, value: 'yes' | 'no', photos: number[] = []) => ({
    flags: { ...noFlags, [flag]: { value, photos } },
  });

  it('are true with a photo that was sent, and cannot be told without', () => {
    expect(run(said('fire', 'yes', [2])).flags.fire).toEqual({ value: true, photos: [twoPhotos[1]] });
    expect(run(said('fire', 'yes', [9])).flags.fire).toEqual({ value: null, photos: [] });
  });

  it('are denied only when a photo shows where it would be', () => {
    expect(run(said('prior_repair_signs', 'no')).flags.prior_repair_signs.value).toBe(false);
    expect(run(said('airbags_deployed', 'no')).flags.airbags_deployed.value).toBeNull();
    expect(run(said('fluid_leak', 'no')).flags.fluid_leak.value).toBeNull();
  });

  it('follow from a finding that says the same', () => {
    const hail = finding({ part: 'bonnet', type: 'hail_dents', photos: [2], viewpoint: 'front', side: 'center' });
    expect(run({ findings: [hail] }).flags.hail).toEqual({ value: true, photos: [twoPhotos[1]] });
    expect(run({ findings: [{ ...hail, confidence: 'low' }] }).flags.hail.value).toBeNull();
  });
});

describe('readings', () => {
  const read = (...readings: VisionRows['readings']) => run({ readings }).readings;

  it('keep what is of its form and cites a photo', () => {
    expect(read({ kind: 'odometer', value: '123,456 km', photo: 2 }).odometer).toEqual({
      value: '123,456 km',
      photo: twoPhotos[1],
    });
    expect(read({ kind: 'vin', value: '1m8gdm9axkp042788', photo: 1 }).vin).toEqual({
      value: '1M8GDM9AXKP042788',
      photo: twoPhotos[0],
      check_digit_valid: true,
    });
    expect(read({ kind: 'licence_plate', value: 'AB 12-CD', photo: 1 }).licence_plate?.value).toBe('AB 12-CD');
  });

  it.each([
    ['of another form', { kind: 'odometer', value: 'about 100k', photo: 1 }],
    ['with a letter that no VIN has', { kind: 'vin', value: 'IM8GDM9AXKP042788', photo: 1 }],
    ['too short', { kind: 'vin', value: '1M8GDM9AXKP04278', photo: 1 }],
    ['of a photo that was not sent', { kind: 'odometer', value: '1234', photo: 9 }],
    ['with markup', { kind: 'licence_plate', value: '<b>A</b>', photo: 1 }],
  ] as const)('are null when %s', (_, reading) => {
    expect(read(reading)[reading.kind]).toBeNull();
  });

  it('are null when two disagree', () => {
    const reading = { kind: 'odometer', value: '1234', photo: 1 } as const;
    expect(read(reading, { ...reading, value: '1284' }).odometer).toBeNull();
    expect(read(reading, reading).odometer?.value).toBe('1234');
  });

  it('know a VIN that fits its check digit', () => {
    expect(vinCheckDigitFits('11111111111111111')).toBe(true);
    expect(vinCheckDigitFits('1M8GDM9AXKP042788')).toBe(true);
    expect(vinCheckDigitFits('1M8GDM9AXKP042789')).toBe(false);
  });
});

describe('conclusions', () => {
  const bumper = finding({ photos: [2], viewpoint: 'front', part: 'bumper', side: 'center', severity: 'severe' });

  it('name the damage areas by weight', () => {
    expect(run({ findings: [bumper, finding()] }).damage_areas).toEqual({ primary: 'Front End', secondary: 'Side' });
    expect(run({ findings: [finding({ severity: 'minor' })] }).damage_areas.primary).toBe('Minor Dent/Scratches');
    expect(run({ findings: [finding({ type: 'stain' })] }).damage_areas.primary).toBe('Normal Wear');
    expect(run({}).damage_areas).toEqual({ primary: null, secondary: null });
  });

  it('band by points, and give no band to what was not seen', () => {
    expect(run({}).condition_band).toBeNull();
    expect(run({ findings: [finding({ severity: 'minor' })] }).condition_band).toBeNull();
    const allRound = ['front_left', 'rear_right', 'interior', 'engine_bay'] as const;
    const photos = allRound.map((view, index) => photoRow({ number: index + 1, view }));
    const refs = photos.map(({ number }) => ({ number, url: `https://cdn.test/${number}.jpg` }));
    const seen = (...findings: VisionRows['findings']) => run({ photos, findings }, refs).condition_band;
    expect(seen()).toBe('A');
    const dent = finding({ viewpoint: 'front_left', severity: 'minor' });
    expect(seen(dent)).toBe('B');
    expect(seen({ ...bumper, photos: [1], viewpoint: 'front_left' })).toBe('C');
    // Doubt is neither damage nor the best of bands.
    expect(seen({ ...dent, confidence: 'low' })).toBeNull();
    expect(seen({ ...bumper, photos: [1], viewpoint: 'front_left' }, { ...dent, confidence: 'low' })).toBe('C');
    const wreck = (['roof', 'tailgate', 'dashboard', 'engine_bay'] as const).map((part) =>
      finding({ part, severity: 'severe', photos: [1], viewpoint: 'front_left' }),
    );
    expect(run({ findings: wreck }).condition_band).toBe('E');
  });
});
