import { describe, expect, it } from 'vitest';
import { v7 } from 'uuid';
import {
  firstWeekAfter,
  gapAt,
  idsOf,
  isDroppedSoon,
  isPast,
  missingWeeks,
  spanOf,
  timeOf,
  weekOf,
  WEEK_MS,
  weeksAhead,
} from '../../src/jobs/weeks.js';

const DAY_MS = WEEK_MS / 7;
const MONDAY = Date.parse('2026-11-23T00:00:00Z');

describe('weeks of jobs', () => {
  it('a week begins on Monday at midnight UTC', () => {
    for (const time of [MONDAY, MONDAY + 1, MONDAY + WEEK_MS - 1]) expect(weekOf(time)).toBe(MONDAY);
    expect(weekOf(MONDAY - 1)).toBe(MONDAY - WEEK_MS);
  });

  it('the first partition ends two to three weeks after now, whatever day it is', () => {
    for (let now = MONDAY; now < MONDAY + WEEK_MS; now += DAY_MS / 3) {
      const ahead = firstWeekAfter(now) - now;
      expect(ahead).toBeGreaterThan(2 * WEEK_MS);
      expect(ahead).toBeLessThanOrEqual(3 * WEEK_MS);
    }
  });

  it('the ids of a span are those that are made in it', () => {
    const { from, to } = idsOf({ from: MONDAY, to: MONDAY + WEEK_MS });
    const inside = (msecs: number) => from <= v7({ msecs }) && v7({ msecs }) < to;
    expect([MONDAY - 1, MONDAY, MONDAY + WEEK_MS - 1, MONDAY + WEEK_MS].map(inside)).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(timeOf(from)).toBe(MONDAY);
  });

  it('bounds are read as PostgreSQL writes them', () => {
    const { from, to } = idsOf({ from: MONDAY, to: MONDAY + WEEK_MS });
    expect(spanOf(`FOR VALUES FROM ('${from}') TO ('${to}')`)).toEqual({ from: MONDAY, to: MONDAY + WEEK_MS });
    expect(spanOf(`FOR VALUES FROM (MINVALUE) TO ('${to}')`)).toEqual({ from: null, to: MONDAY + WEEK_MS });
    expect(spanOf('DEFAULT')).toBeNull();
  });

  it('weeks up to eight ahead are made where no partition is', () => {
    const first = { from: null, to: MONDAY + 3 * WEEK_MS };
    const missing = missingWeeks([first], MONDAY + DAY_MS);
    expect(missing).toEqual([3, 4, 5, 6, 7, 8].map((week) => MONDAY + week * WEEK_MS));
    const weeks = missing.map((from) => ({ from, to: from + WEEK_MS }));
    expect(missingWeeks([first, ...weeks], MONDAY + DAY_MS)).toEqual([]);
    expect(missingWeeks([first, ...weeks], MONDAY + WEEK_MS)).toEqual([MONDAY + 9 * WEEK_MS]);
    expect(weeksAhead([first, ...weeks], MONDAY)).toBe(8);
    expect(weeksAhead([first], MONDAY)).toBe(2);
    expect(weeksAhead([first], MONDAY + 5 * WEEK_MS)).toBe(0);
  });

  it('a gap reaches from the partition before to the one behind', () => {
    const spans = [
      { from: null, to: MONDAY },
      { from: MONDAY + 2 * WEEK_MS, to: MONDAY + 3 * WEEK_MS },
    ];
    expect(gapAt(spans, MONDAY)).toEqual({ from: MONDAY, to: MONDAY + 2 * WEEK_MS });
    expect(gapAt(spans, MONDAY + 9 * WEEK_MS)).toEqual({ from: MONDAY + 3 * WEEK_MS, to: null });
    expect(gapAt(spans, MONDAY - 1)).toBeNull();
    expect(gapAt([], MONDAY)).toEqual({ from: null, to: null });
  });

  it('old jobs of a week are left for its drop from a week before until two days after it is due', () => {
    const kept = 30 * DAY_MS;
    const span = { from: MONDAY - WEEK_MS, to: MONDAY };
    const left = (day: number) => isDroppedSoon(span, MONDAY + day * DAY_MS, kept);
    expect([22, 23, 30, 31.9, 32].map(left)).toEqual([false, true, true, true, false]);
    expect([29.9, 30].map((day) => isPast(span, MONDAY + day * DAY_MS, kept))).toEqual([false, true]);
    expect(isDroppedSoon({ from: null, to: null }, MONDAY, kept)).toBe(false);
    // Kept for less than a week: jobs of a week that is not over yet are removed one by one.
    expect(isDroppedSoon(span, MONDAY - 1, DAY_MS)).toBe(false);
  });
});
