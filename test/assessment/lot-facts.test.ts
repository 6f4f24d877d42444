import { describe, expect, it } from 'vitest';
import type { View } from '../../src/assessment/taxonomy.js';
import type { FindingRow } from '../../src/assessment/vision-rows.js';
import { assessed, finding, noFlags, raised, rows, views } from './fixtures.js';

describe('flags', () => {
  it('need a photo that can show them', () => {
    const photos = views('rear', 'interior');
    const refused = assessed({ photos, flags: raised('airbags_deployed', 1) });
    expect(refused).toMatchObject({
      flags: { airbags_deployed: { value: null, photos: [] } },
      unconfirmed: true,
      review_reasons: ['flag_not_shown'],
    });
    expect(assessed({ photos, flags: raised('airbags_deployed', 1, 2) }).flags.airbags_deployed).toMatchObject({
      value: true,
      photos: [{ number: 2 }],
    });
    expect(assessed({ photos, flags: raised('hail', 2) }).flags.hail.value).toBeNull();
  });

  it('are true by a finding, whatever the model says of them, which is looked at', () => {
    const airbag = finding({ viewpoint: 'interior', part: 'airbag', side: 'n/a', end: 'n/a', type: 'airbag_deployed' });
    const flags = { ...noFlags, airbags_deployed: { value: 'no' as const, photos: [] } };
    const photos = views('interior').map((photo) => ({ ...photo, visible_parts: ['airbag' as const] }));
    const assessment = assessed({ photos, findings: [airbag], flags });
    expect(assessment.flags.airbags_deployed.value).toBe(true);
    expect(assessment.review_reasons).toEqual(['flag_contradicts_finding']);
  });

  it('make a lot assessable in which nothing was found', () => {
    const dark = views('front').map((photo) => ({ ...photo, issues: ['too_dark' as const] }));
    expect(assessed({ photos: dark, flags: raised('fire', 1) }).assessable).toBe(true);
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
    expect(assessed({ photos, findings: [finding(row)] }).findings[0]).toMatchObject({
      confidence: 'high',
      needs_review: false,
    });
  });
});

describe('an odometer that two photos show', () => {
  const read = (...values: string[]) =>
    assessed({
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
    expect(assessed({ photos, findings: [pale], flags: raised('airbags_deployed', 1) }).damage_areas).toEqual({
      primary: 'Airbags Deployed',
      secondary: null,
    });
    const dent = { ...pale, type: 'dent' as const, severity: 'unknown' as const };
    expect(assessed({ photos, findings: [dent], flags: raised('structural_suspected', 2) }).damage_areas).toEqual({
      primary: 'Frame Damage',
      secondary: 'Front End',
    });
    expect(assessed({ photos, findings: [dent] }).damage_areas.primary).toBe('Front End');
  });
});

describe('the vehicle', () => {
  it('is what usable photos show, and asks for a look where it is several or another one', () => {
    const vehicle = { ...rows().vehicle, count: 2 };
    expect(assessed({ vehicle, listing_mismatch: ['colour', 'colour'] })).toMatchObject({
      vehicle: { kind: 'car', body: 'estate', colour: 'silver', doors: 'five' },
      listing_mismatch: ['colour'],
      review_reasons: ['several_vehicles', 'listing_mismatch'],
    });
    expect(assessed({ vehicle: { ...vehicle, count: 1, photos: [9] } }).vehicle).toMatchObject({
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
    expect(assessed({ photos, ...seen })).toMatchObject({
      interior: { state: 'light_wear' },
      tyres: { state: 'tread_visible' },
    });
    const swapped = { interior: { ...seen.interior, photos: [1] }, tyres: { ...seen.tyres, photos: [2] } };
    expect(assessed({ photos, ...swapped })).toMatchObject({
      interior: { state: 'unknown', photos: [] },
      tyres: { state: 'unknown', photos: [] },
    });
    const torn = finding({ photos: [2], viewpoint: 'interior', part: 'seat', type: 'tear', severity: 'severe' });
    const flat = finding({ part: 'tyre', type: 'flat_tyre', severity: 'severe' });
    expect(assessed({ photos, ...seen, findings: [torn, flat] })).toMatchObject({
      interior: { state: 'unknown' },
      tyres: { state: 'unknown' },
    });
  });
});
