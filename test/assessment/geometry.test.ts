import { describe, expect, it } from 'vitest';
import type { View } from '../../src/assessment/taxonomy.js';
import type { FindingRow, PhotoRow } from '../../src/assessment/vision-rows.js';
import { assessed, finding, views } from './fixtures.js';

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
    const [found] = assessed({ photos: views(view), findings: [row] }).findings;
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
    expect(assessed({ photos: views(view), findings: [row] }).findings[0]).toMatchObject({
      confidence: 'high',
      review_reasons: [],
    });
  });

  it('knows which way a photo of the interior looks', () => {
    const seat = finding({ part: 'seat', type: 'tear', viewpoint: 'interior', in_picture: 'left', end: 'rear' });
    const reasons = (looking: PhotoRow['looking']) =>
      assessed({ photos: views('interior').map((photo) => ({ ...photo, looking })), findings: [seat] }).findings[0]
        ?.review_reasons;
    expect(reasons('forward')).toEqual([]);
    expect(reasons('unknown')).toEqual([]);
    expect(reasons('rearward')).toEqual(['side_contradicts_view']);
  });
});
