import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCulprits } from '../../src/describe/find-culprits.js';

const items = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A check that fails for every group with a bad item in it, and counts how often it was asked. */
function judge(bad: ReadonlySet<number>) {
  const asked: (readonly number[])[] = [];
  return {
    asked,
    isGood: (group: readonly number[]) => {
      asked.push(group);
      return Promise.resolve(!group.some((item) => bad.has(item)));
    },
  };
}

describe('halving', () => {
  it('halving finds all of the bad ones and none of the good ones, each question about fewer than all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 100 }), fc.infiniteStream(fc.boolean()), async (count, coins) => {
        const bad = new Set(items(count).filter(() => coins.next().value === true));
        if (bad.size === 0) bad.add(0);
        const { asked, isGood } = judge(bad);
        expect(new Set(await findCulprits(items(count), isGood, count))).toEqual(bad);
        expect(asked.every((group) => group.length < count)).toBe(true);
        expect(asked.length).toBeLessThanOrEqual(2 * bad.size * Math.ceil(Math.log2(count)) + 1);
      }),
      { numRuns: 200 },
    );
  });

  it('halving takes six questions for one of twenty', async () => {
    for (const bad of items(20)) {
      const { asked, isGood } = judge(new Set([bad]));
      expect(await findCulprits(items(20), isGood, 6)).toEqual([bad]);
      expect(asked.length).toBeLessThanOrEqual(10);
    }
  });

  it('halving stops when there are more than matter', async () => {
    const { asked, isGood } = judge(new Set(items(100)));
    expect(await findCulprits(items(100), isGood, 2)).toHaveLength(3);
    expect(asked.length).toBeLessThan(15);
  });

  it('halving blames nobody where each passes alone', async () => {
    const isGood = (group: readonly number[]) => Promise.resolve(group.length < 20);
    expect(await findCulprits(items(20), isGood, 6)).toEqual([]);
  });

  it('halving blames the only one without asking', async () => {
    const { asked, isGood } = judge(new Set([7]));
    expect(await findCulprits([7], isGood, 0)).toEqual([7]);
    expect(asked).toEqual([]);
  });
});
