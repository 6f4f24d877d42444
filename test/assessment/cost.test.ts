import { describe, expect, it } from 'vitest';
import { costUsd, MODEL_PRICES, priceOf } from '../../src/assessment/cost.js';
import { estimateLot } from '../../src/assessment/estimate.js';
import type { EstimateSettings } from '../../src/assessment/estimate.js';
import { translationSettings, visionSettings } from './fixtures.js';

const terra = MODEL_PRICES['gpt-5.6-terra']!;
const options = { batch: false, model: 'gpt-5.6-terra' };

describe('priceOf', () => {
  it('priceOf knows dated names, prefers the settings, and gives null for an unknown model', () => {
    expect(priceOf('gpt-4.1-mini-2025-04-14')).toEqual({ input: 0.4, cachedInput: 0.1, output: 1.6 });
    const own = { input: 1, cachedInput: 1, output: 1 };
    expect(priceOf('gpt-5.6-terra', { 'gpt-5.6-terra': own })).toBe(own);
    expect(priceOf('gpt-99')).toBeNull();
    expect(priceOf('constructor')).toBeNull();
  });
});

describe('costUsd', () => {
  it('costUsd takes cached input at its own rate and reasoning as part of the output', () => {
    const usage = { input: 10_000, cachedInput: 4_000, cacheWrite: 0, output: 1_000, reasoning: 900 };
    expect(costUsd(usage, terra, options)).toBeCloseTo((6_000 * 2 + 4_000 * 0.2 + 1_000 * 12) / 1e6, 12);
    expect(costUsd(usage, terra, { ...options, batch: true })).toBeCloseTo(0.0124, 12);
  });

  it('costUsd takes input that is written to the cache at 1.25 times its rate, on models that bill it', () => {
    const usage = { input: 10_000, cachedInput: 1_000, cacheWrite: 4_000, output: 0, reasoning: 0 };
    expect(costUsd(usage, terra, options)).toBeCloseTo((5_000 * 2 + 4_000 * 2.5 + 1_000 * 0.2) / 1e6, 12);
    // More than there is to write, as a broken usage may say.
    expect(costUsd({ ...usage, cacheWrite: 90_000 }, terra, options)).toBeCloseTo((9_000 * 2.5 + 200) / 1e6, 12);
    const o4 = MODEL_PRICES['o4-mini']!;
    expect(costUsd(usage, o4, { batch: false, model: 'o4-mini' })).toBeCloseTo((9_000 * 1.1 + 275) / 1e6, 12);
  });

  it('costUsd doubles the input and adds half to the output of a request above 272,000 tokens, from gpt-5.6 on', () => {
    const usage = { input: 272_001, cachedInput: 0, cacheWrite: 0, output: 1_000, reasoning: 0 };
    expect(costUsd(usage, terra, options)).toBeCloseTo((272_001 * 2 * 2 + 1_000 * 12 * 1.5) / 1e6, 9);
    expect(costUsd({ ...usage, input: 272_000 }, terra, options)).toBeCloseTo((272_000 * 2 + 1_000 * 12) / 1e6, 9);
    const o4 = MODEL_PRICES['o4-mini']!;
    expect(costUsd(usage, o4, { batch: false, model: 'o4-mini' })).toBeCloseTo((272_001 * 1.1 + 1_000 * 4.4) / 1e6, 9);
  });
});

describe('estimateLot', () => {
  const settings: EstimateSettings = { vision: visionSettings, translation: translationSettings, batch: false };

  it('estimateLot grows with photos, listing text and languages, and halves in a batch', () => {
    const one = estimateLot(1, 0, 0, settings);
    expect(one.translation).toEqual({ inputTokens: 0, outputTokens: 0 });
    expect(estimateLot(2, 0, 0, settings).vision.inputTokens).toBe(one.vision.inputTokens + 3_008);
    expect(estimateLot(1, 500, 0, settings).vision.inputTokens).toBe(one.vision.inputTokens + 500);
    const three = estimateLot(1, 0, 3, settings);
    expect(three.translation.outputTokens).toBeGreaterThan(2 * estimateLot(1, 0, 1, settings).translation.outputTokens);
    expect(three.costUsd).toBeGreaterThan(one.costUsd ?? Infinity);
    expect(estimateLot(1, 0, 3, { ...settings, batch: true }).costUsd).toBeCloseTo((three.costUsd ?? 0) / 2, 12);
  });

  it('estimateLot counts photos by what they take, where that is known, and the first lot writes the prompt to the cache', () => {
    const lot = estimateLot(8, 0, 0, { ...settings, photoTokens: 1_105.5 });
    const most = estimateLot(8, 0, 0, settings);
    expect(most.vision.inputTokens - lot.vision.inputTokens).toBe(8 * 3_000 - 8_844);
    expect(lot.firstUsd).toBeGreaterThan(0);
    const older = { ...settings, vision: { ...visionSettings, model: 'gpt-4.1-mini' } };
    expect(estimateLot(8, 0, 0, older).firstUsd).toBe(0);
  });

  it('estimateLot expects a sentence more with each finding where notes are asked for, and only these to be translated', () => {
    const notes = { ...settings, vision: { ...visionSettings, notes: true } };
    expect(estimateLot(8, 0, 0, notes).vision.outputTokens).toBeGreaterThan(
      estimateLot(8, 0, 0, settings).vision.outputTokens,
    );
    expect(estimateLot(8, 0, 2, notes).translation.outputTokens).toBeLessThan(
      estimateLot(8, 0, 2, settings).translation.outputTokens,
    );
  });

  it('estimateLot counts photos without a cap where none is set', () => {
    const at = (detail: 'low' | 'high' | 'original') =>
      estimateLot(20, 0, 0, { ...settings, vision: { ...visionSettings, detail } }).vision.inputTokens;
    expect(at('low')).toBeLessThan(at('high'));
    expect(at('original')).toBeGreaterThan(280_000);
  });

  it('estimateLot gives no cost where a price is not known, unless that model is not used', () => {
    const unknown = { ...settings, translation: { ...translationSettings, model: 'gpt-99' } };
    expect(estimateLot(1, 0, 1, unknown).costUsd).toBeNull();
    expect(estimateLot(1, 0, 0, unknown).costUsd).not.toBeNull();
    const own = { ...unknown, prices: { 'gpt-99': { input: 1, cachedInput: 1, output: 1 } } };
    expect(estimateLot(1, 0, 1, own).costUsd).toBeGreaterThan(0);
  });
});
