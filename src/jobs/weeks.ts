import { DAY_MS } from '../common/clock.js';
import { firstIdAt } from '../common/ids.js';

// Weeks of jobs. A job's id begins with the time at which it was made, so a range of ids is a range of time.

export const WEEK_MS = 7 * DAY_MS;
/** 1970 began on a Thursday; weeks begin on Mondays, at 00:00 UTC. */
const FIRST_MONDAY = 4 * DAY_MS;
/** How many weeks are made ahead. Nothing is refused without them, but what has no week cannot be dropped as one. */
const WEEKS_AHEAD = 8;
/** The id that no id is below. */
const LEAST_ID = '00000000-0000-0000-0000-000000000000';
/** The id that no job has: its time is the year 10889. */
const MOST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Jobs from one time until before another, in milliseconds since 1970; null: without an end. */
export interface Span {
  readonly from: number | null;
  readonly to: number | null;
}

/** The ids of a span: `from` is in it, `to` is not. */
export interface IdSpan {
  readonly from: string;
  readonly to: string;
}

/** The beginning of the week that a time is in. */
export function weekOf(time: number): number {
  return Math.floor((time - FIRST_MONDAY) / WEEK_MS) * WEEK_MS + FIRST_MONDAY;
}

/**
 * Up to where one table takes the jobs before weeks begin. Jobs that are accepted while that is prepared must be below it, also when
 * preparing takes days, or is stopped and gone on with later: two to three weeks ahead.
 */
export function firstWeekAfter(now: number): number {
  return weekOf(now) + 3 * WEEK_MS;
}

export function idsOf({ from, to }: Span): IdSpan {
  return { from: from === null ? LEAST_ID : firstIdAt(from), to: to === null ? MOST_ID : firstIdAt(to) };
}

/** The time of an id, in milliseconds since 1970. */
export function timeOf(id: string): number {
  return Number.parseInt(id.replace('-', '').slice(0, 12), 16);
}

/** Reads PostgreSQL's text of a partition's bounds; null for the default partition. */
export function spanOf(bound: string): Span | null {
  const found = /^FOR VALUES FROM \((.+)\) TO \((.+)\)$/.exec(bound);
  if (found === null) return null;
  const [from, to] = [found[1] as string, found[2] as string].map((end) =>
    end.startsWith("'") ? timeOf(end.slice(1, -1)) : null,
  ) as [number | null, number | null];
  return { from, to };
}

export function includes({ from, to }: Span, time: number): boolean {
  return (from === null || from <= time) && (to === null || time < to);
}

/** The beginnings of the weeks that have to be made: those up to eight weeks ahead that none of the spans touches. */
export function missingWeeks(spans: readonly Span[], now: number): number[] {
  const missing: number[] = [];
  for (let week = weekOf(now); week <= weekOf(now) + WEEKS_AHEAD * WEEK_MS; week += WEEK_MS) {
    if (spans.every(({ from, to }) => (from !== null && from >= week + WEEK_MS) || (to !== null && to <= week)))
      missing.push(week);
  }
  return missing;
}

/** How many whole weeks after this one have a partition, without a gap. */
export function weeksAhead(spans: readonly Span[], now: number): number {
  let weeks = 0;
  while (weeks < 2 * WEEKS_AHEAD && spans.some((span) => includes(span, weekOf(now) + (weeks + 1) * WEEK_MS))) weeks++;
  return weeks;
}

/** The free span that a time is in, between the spans around it; null when one of them has it. */
export function gapAt(spans: readonly Span[], time: number): Span | null {
  if (spans.some((span) => includes(span, time))) return null;
  const before = spans.flatMap(({ to }) => (to !== null && to <= time ? [to] : []));
  const after = spans.flatMap(({ from }) => (from !== null && from > time ? [from] : []));
  return {
    from: before.length === 0 ? null : Math.max(...before),
    to: after.length === 0 ? null : Math.min(...after),
  };
}

/** `20260131`, for names. */
export function dayName(time: number): string {
  return new Date(time).toISOString().slice(0, 10).replaceAll('-', '');
}

/** How long a week waits for its last jobs before they are removed one by one: a job may take a day, its webhooks another. */
const STRAGGLERS_MS = 2 * DAY_MS;

/** For how long jobs that ended at the end of a span have been old enough to be removed; negative before. */
export function dueMs({ to }: Span, now: number, keptMs: number): number {
  return to === null ? -Infinity : now - keptMs - to;
}

/** Whether a span is over, and jobs that ended at its end are old enough to be removed. */
export function isPast(span: Span, now: number, keptMs: number): boolean {
  return dueMs(span, now, keptMs) >= 0;
}

/**
 * Whether old jobs of a span are left for the moment at which all of it is dropped, which is at most nine days off: that costs a
 * moment and leaves nothing to clean up, and removing its rows costs as much work as writing them did.
 */
export function isDroppedSoon({ to }: Span, now: number, keptMs: number): boolean {
  if (to === null) return false;
  const past = to + keptMs;
  return to <= now && past - WEEK_MS <= now && now < past + STRAGGLERS_MS;
}
