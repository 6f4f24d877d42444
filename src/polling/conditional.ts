import type { JobState } from './job-states.js';

/** Longest long poll: under the 30 s after which many clients and proxies give up. */
export const MAX_WAIT_SECONDS = 25;

/** The entity tag of all that a job's status shows. */
export function statusEtag(state: Pick<JobState, 'id' | 'tag'>): string {
  return `W/"${state.id}-${state.tag}"`;
}

/** Whether an If-None-Match header names `etag`, compared weakly as RFC 9110 has it for GET. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag) return true;
  if (ifNoneMatch.trim() === '*') return true;
  const opaque = etag.replace(/^W\//, '');
  return [...ifNoneMatch.matchAll(/"[^"]*"/g)].some(([tag]) => tag === opaque);
}

/** The seconds of `Prefer: wait=n` (RFC 7240), at most {@link MAX_WAIT_SECONDS}; 0 without it. */
export function preferredWait(prefer: string | undefined): number {
  if (prefer === undefined) return 0;
  for (const preference of prefer.split(',')) {
    const [name = '', value = ''] = (preference.split(';', 1)[0] ?? '').split('=', 2).map((part) => part.trim());
    if (name.toLowerCase() !== 'wait') continue;
    const digits = /^"?(\d{1,9})"?$/.exec(value);
    // The first of several is the one that counts.
    return digits === null ? 0 : Math.min(MAX_WAIT_SECONDS, Number(digits[1]));
  }
  return 0;
}
