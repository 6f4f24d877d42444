import type { JobState } from '../jobs/job-status-store.js';

/** Longest long poll: under the 30 s after which many clients and proxies give up. */
const MAX_WAIT_SECONDS = 25;

/**
 * The entity tag of all that a job's status shows.
 * @param estimate - the estimated end, which is shown too and can pass without a change of the job
 */
export function statusEtag(state: Pick<JobState, 'id' | 'tag'>, estimate: Date | null = null): string {
  return `W/"${state.id}-${estimate === null ? '' : 'e'}${state.tag}"`;
}

/**
 * What proxies that compress put behind a tag: `-gzip` and `-br` (Apache, Caddy), `--gzip` (Jetty), `;gz`; also twice.
 */
const PROXY_MARKS = /^(?:[-;:+.]{1,2}[a-z0-9]{1,8}){1,3}$/i;

/**
 * Whether an If-None-Match header names `etag`, compared weakly as RFC 9110 has it for GET, and through the marks of
 * proxies: behind an Apache that compresses, no tag would match and every long poll would be answered at once.
 */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag) return true;
  if (ifNoneMatch.trim() === '*') return true;
  const opaque = bareTag(etag);
  return ifNoneMatch.split(',').some((tag) => {
    const bare = bareTag(tag);
    return bare === opaque || (bare.startsWith(opaque) && PROXY_MARKS.test(bare.slice(opaque.length)));
  });
}

/**
 * Removes W/ and quotes, because some clients leave them out and some proxies put their mark behind them. Our tags
 * contain no comma.
 */
function bareTag(tag: string): string {
  return tag.trim().replace(/^W\//i, '').replaceAll(/[\\"]/g, '');
}

/** The seconds of `Prefer: wait=n` (RFC 7240), at most {@link MAX_WAIT_SECONDS}; 0 without it. */
export function preferredWait(prefer: string | undefined): number {
  if (prefer === undefined) return 0;
  for (const preference of prefer.split(',')) {
    const [name = '', value = ''] = (preference.split(';', 1)[0] ?? '').split('=', 2).map((part) => part.trim());
    if (name.toLowerCase() !== 'wait') continue;
    const digits = /^"?(\d{1,9})"?$/.exec(value);
    // If there are several, the first counts.
    return digits === null ? 0 : Math.min(MAX_WAIT_SECONDS, Number(digits[1]));
  }
  return 0;
}
