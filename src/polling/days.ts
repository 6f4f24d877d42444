import { DAY_MS } from '../common/clock.js';

const DAY = /^[1-9]\d{3}-\d{2}-\d{2}$/;

/** Whether a text names a day of the calendar, as `2026-01-31`. */
export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const time = Date.parse(text);
  // Some parsers take 30 February for 2 March.
  return !Number.isNaN(time) && dayOf(time) === text;
}

/** The day of a time, in UTC. @param time - milliseconds since 1970 */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The day that lies so many days after another, or before it. */
export function daysAfter(day: string, days: number): string {
  return dayOf(Date.parse(day) + days * DAY_MS);
}

/** How many days there are from one to another, both included; 0 or less when the last is before the first. */
export function countDays(first: string, last: string): number {
  return (Date.parse(last) - Date.parse(first)) / DAY_MS + 1;
}
