import { describe, expect, it } from 'vitest';
import { MODEL_PRICES } from '../../src/assessment/cost.js';
import { estimateLot } from '../../src/assessment/estimate.js';
import { heldWithin, visionBounds, worstUsd } from '../../src/assessment/worst-case.js';
import { translationSettings, visionSettings } from './fixtures.js';

describe('what is held of a limit', () => {
  const models = Object.keys(MODEL_PRICES);
  const cases = models.flatMap((model) => [true, false].map((batch) => ({ model, batch })));

  it.each(cases)('a limit of exactly the estimate is enough for one lot of $model (batch: $batch)', (options) => {
    const settings = {
      vision: { ...visionSettings, model: options.model },
      translation: translationSettings,
      batch: options.batch,
    };
    for (let photos = 1; photos <= 20; photos++) {
      for (const spent of [0, 0.1, 0.2, 1.7]) {
        const { costUsd, vision } = estimateLot(photos, 0, 0, settings);
        const bounds = visionBounds(photos, 0, settings)!;
        // Like the job's row: the limit minus what other calls have cost.
        const free = costUsd! + spent - spent;
        const held = heldWithin(bounds, free, true);
        expect({ photos, room: held?.room }).toEqual({ photos, room: vision.outputTokens });
        expect(held!.usd).toBeCloseTo(costUsd!, 9);
      }
    }
  });

  it('a call is refused where the limit is one token below the estimate', () => {
    const settings = { vision: visionSettings, translation: translationSettings, batch: false };
    const bounds = visionBounds(1, 0, settings)!;
    const { costUsd } = estimateLot(1, 0, 0, settings);
    expect(heldWithin(bounds, costUsd! - bounds.outputTokenUsd, true)).toBeNull();
    expect(heldWithin(bounds, worstUsd(bounds) - bounds.outputTokenUsd, false)).toBeNull();
    expect(heldWithin(bounds, worstUsd(bounds), false)).toEqual({ usd: worstUsd(bounds), room: bounds.room });
  });
});
