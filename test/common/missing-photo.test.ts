import { describe, expect, it } from 'vitest';
import { missingText, PHOTO_REASONS, type PhotoReason } from '../../src/common/missing-photo.js';

const missing = (...reasons: PhotoReason[]) =>
  reasons.map((reason, index) => ({ url: `https://cdn.test/${index}.jpg`, reason }));

describe('what is said of photos that are missing', () => {
  it('what is said of missing photos asks to make them public only where that may help', () => {
    const told = Object.fromEntries(PHOTO_REASONS.map((reason) => [reason, missingText(missing(reason), 1)]));
    const useless = Object.keys(told).filter((reason) => !told[reason]?.includes('public'));
    expect(useless.sort()).toEqual(['not_a_photo', 'openai', 'too_large']);
    for (const reason of useless) expect(told[reason]).toContain('photo_problems');
  });

  it('what is said of missing photos counts them, and names the list of reasons as soon as one of them is of no use', () => {
    expect(missingText(missing('not_found', 'timeout'), 5)).toBe(
      '2 of 5 photos cannot be reached; check that they are public and send the lot again.',
    );
    expect(missingText(missing('not_found', 'too_large'), 5)).toBe(
      '2 of 5 photos cannot be reached or used; photo_problems says why. Correct them and send the lot again.',
    );
  });
});
