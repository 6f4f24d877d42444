import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartPacker } from '../../src/webhook/part-packer.js';

const lots = fc.array(fc.record({ url: fc.constantFrom('a', 'b', 'c'), bytes: fc.integer({ min: 1, max: 200 }) }));

describe('parts', () => {
  it('parts hold every lot of their address once and in order, within both limits, numbered from 1', () => {
    fc.assert(
      fc.property(lots, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 300 }), (given, most, bytes) => {
        const packer = new PartPacker({ lots: most, bytes });
        given.forEach((lot, position) => packer.add(lot.url, position, lot.bytes));
        const parts = packer.parts();
        for (const url of ['a', 'b', 'c']) {
          const own = given.flatMap((lot, position) => (lot.url === url ? [{ ...lot, position }] : []));
          const ofUrl = parts.filter((part) => part.url === url);
          const carried = ofUrl.map((part) =>
            own.filter(({ position }) => position >= part.firstPosition && position <= part.lastPosition),
          );
          expect(carried.flat()).toEqual(own);
          expect(ofUrl.map((part) => part.number)).toEqual(ofUrl.map((_, index) => index + 1));
          ofUrl.forEach((part, index) => {
            const held = carried[index] ?? [];
            expect(part.of).toBe(ofUrl.length);
            expect(part.lots).toBe(held.length);
            expect(part.bytes).toBe(held.reduce((sum, lot) => sum + lot.bytes, 0));
            expect(held.length).toBeGreaterThan(0);
            expect(held.length).toBeLessThanOrEqual(most);
            expect(part.bytes <= bytes || held.length === 1).toBe(true);
            // As few parts as the order allows: the next part's first lot would not have fitted.
            const next = carried[index + 1]?.[0];
            if (next !== undefined) expect(held.length === most || part.bytes + next.bytes > bytes).toBe(true);
          });
        }
      }),
    );
  });
});
