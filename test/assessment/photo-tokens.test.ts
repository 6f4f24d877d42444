import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImageDetail } from '../../src/assessment/model-traits.js';
import { photoTokens } from '../../src/assessment/photo-tokens.js';
import { propertyRuns } from '../support/property-runs.js';

const DETAILS: readonly ImageDetail[] = ['low', 'high', 'auto', 'original'];
const MODELS = [
  'gpt-6.1-terra',
  'gpt-6-luna',
  'gpt-5.6-terra',
  'gpt-5.5',
  'gpt-5.4-mini',
  'gpt-5.2',
  'gpt-5.1',
  'gpt-5-mini',
  'gpt-5-nano',
  'gpt-4.1',
  'gpt-4.1-mini',
  'gpt-4.1-nano',
  'gpt-4o',
  'gpt-4o-mini',
  'o3',
  'o4-mini',
  'not-known-yet',
];

describe('photoTokens', () => {
  it.each([
    // The guide's own examples: 1,024 and 1,452 patches.
    ['o4-mini', 'high', 1024, 1024, Math.ceil(1_024 * 1.72)],
    ['gpt-4.1-mini', 'high', 1800, 2400, Math.ceil(1_452 * 1.62)],
    ['gpt-4.1-nano-2025-04-14', 'auto', 1800, 2400, Math.ceil(1_452 * 2.46)],
    ['gpt-5-mini', 'original', 1800, 2400, Math.ceil(1_452 * 1.62)],
    // The guide's tiles: six of a photo of 2,048 × 4,096, four of a square.
    ['gpt-4o', 'high', 2048, 4096, 85 + 6 * 170],
    ['gpt-4.1', 'high', 1024, 1024, 85 + 4 * 170],
    ['gpt-4o', 'low', 4096, 8192, 85],
    ['gpt-4o-mini', 'low', 4096, 8192, 2_833],
    ['o3', 'high', 1024, 1024, 75 + 4 * 150],
    ['gpt-5.1', 'high', 1024, 1024, 70 + 4 * 140],
    // 20 × 15 patches; 57 × 43 after shrinking; 16 × 12 within 512 pixels; 126 × 95 as it is.
    ['gpt-5.6-terra', 'high', 640, 480, 360],
    ['gpt-5.6-terra', 'high', 4000, 3000, Math.ceil(2_451 * 1.2)],
    ['gpt-5.6-terra', 'low', 640, 480, 231],
    ['gpt-5.6-terra', 'original', 4032, 3024, 14_364],
    ['gpt-5.6-terra', 'auto', 4032, 3024, 14_364],
    ['gpt-5.4', 'auto', 4032, 3024, Math.ceil(57 * 43 * 1.2)],
    ['gpt-6-luna', 'high', 3200, 960, 2_916],
    ['ft:gpt-4.1-mini:acme', 'high', 1024, 1024, Math.ceil(1_024 * 1.62)],
  ] as const)('counts for %s in detail %s a photo of %i × %i pixels', (model, detail, width, height, tokens) => {
    expect(photoTokens(model, detail, { width, height })).toBe(tokens);
  });

  it.each(MODELS)('counts a photo of any size for %s within the most, and turned the same', (model) => {
    const side = fc.oneof(fc.integer({ min: 1, max: 8_000 }), fc.constantFrom(1, 31_622, 65_535, 2 ** 31 - 1));
    fc.assert(
      fc.property(side, side, fc.constantFrom(...DETAILS), (width, height, detail) => {
        const tokens = photoTokens(model, detail, { width, height });
        expect(Number.isInteger(tokens) && tokens > 0).toBe(true);
        expect(photoTokens(model, detail, { width: height, height: width })).toBe(tokens);
        const bounded = detail === 'low' || detail === 'high' || !/^(?:gpt-5\.6|gpt-6|not)/.test(model);
        expect(tokens).toBeLessThanOrEqual(bounded ? photoTokens(model, detail, null) : 36_000);
      }),
      propertyRuns(),
    );
  });

  it('counts a photo of unknown size as the largest, or as twelve megapixels where nothing is scaled down', () => {
    expect(photoTokens('gpt-5.6-terra', 'high', null)).toBe(3_000);
    expect(photoTokens('gpt-5.6-terra', 'original', null)).toBe(14_364);
    expect(photoTokens('o4-mini', 'high', null)).toBe(2_642);
    expect(photoTokens('gpt-4o', 'high', null)).toBe(85 + 8 * 170);
  });
});
