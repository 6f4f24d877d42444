import { describe, expect, it } from 'vitest';
import { collisionsOf } from '../../../src/assessment/audit/collisions.js';
import { glossaries } from './glossaries.js';

describe.each(glossaries)('the glossary of $tag', (glossary) => {
  it('has no collision', () => {
    const t = performance.now();
    expect(collisionsOf(glossary)).toEqual([]);
    console.log(performance.now() - t);
  });
});
