/** How long OpenAI asks us to wait. */
export interface StatedWait {
  readonly ms: number;
  /**
   * True when OpenAI only told the time until a limit is fully reset (`x-ratelimit-reset-*`, or the text). A request
   * may succeed earlier, so a call that cannot wait that long continues to try.
   */
  readonly soft: boolean;
}

/**
 * The wait that an answer asks for: `retry-after-ms`, `retry-after` (seconds or a date); of a 429 also
 * `x-ratelimit-reset-requests` and `-tokens`, and last its text. Undefined when none is usable.
 */
export function statedWait(
  headers: Headers | undefined,
  now: number,
  { status, message }: { readonly status?: number | undefined; readonly message?: string | undefined } = {},
): StatedWait | undefined {
  const firm = finite(headers?.get('retry-after-ms')) ?? waitIn(headers?.get('retry-after'), now);
  if (firm !== undefined) return { ms: Math.max(0, firm), soft: false };
  if (status !== 429) return undefined;
  const soft = resetOf(headers, now) ?? durationIn(/try again in ([\dhms.]+)/i.exec(message ?? '')?.[1]);
  return soft === undefined ? undefined : { ms: Math.max(0, soft), soft: true };
}

/** The reset time of the limit that was reached, or of both when the answer does not say which. */
function resetOf(headers: Headers | undefined, now: number): number | undefined {
  const limit = (name: string) => ({
    reset: waitIn(headers?.get(`x-ratelimit-reset-${name}`), now),
    left: finite(headers?.get(`x-ratelimit-remaining-${name}`)),
  });
  const requests = limit('requests');
  const tokens = limit('tokens');
  // Some tokens may be left and still be too few for this request; for requests, none is left.
  const requestsLeft = (requests.left ?? 0) > 0;
  const onlyRequests = requests.left !== undefined && !requestsLeft && (tokens.left ?? 1) > 0;
  const waits = [requestsLeft ? undefined : requests.reset, onlyRequests ? undefined : tokens.reset];
  const known = waits.filter((wait) => wait !== undefined);
  if (known.length > 0) return Math.max(...known);
  return requests.reset ?? tokens.reset;
}

/** From here on a number is a time in unix seconds, and from a thousand times this one in milliseconds. */
const FIRST_UNIX_TIME = 1_000_000_000;

/** Milliseconds from a number of seconds, a Go duration ("6m0s"), or until a date or a unix time. */
function waitIn(text: string | null | undefined, now: number): number | undefined {
  if (text === null || text === undefined || text.trim() === '') return undefined;
  const seconds = finite(text);
  if (seconds !== undefined) {
    if (seconds >= FIRST_UNIX_TIME * 1000) return seconds - now;
    return seconds >= FIRST_UNIX_TIME ? seconds * 1000 - now : seconds * 1000;
  }
  const duration = durationIn(text);
  if (duration !== undefined) return duration;
  // Only texts with a time of day, because Date.parse reads nearly any word beside a number as a date.
  const date = text.includes(':') ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : date - now;
}

const UNITS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ns: 1e-6,
};
const DURATION = /^(?:\d+(?:\.\d*)?(?:ms|us|µs|μs|ns|d|h|m|s))+$/;
const DURATION_PART = /(\d+(?:\.\d*)?)(ms|us|µs|μs|ns|d|h|m|s)/g;

/** "40s", "6m0s", "1h2m", "120ms", "1.5s"; undefined for anything else. */
function durationIn(text: string | undefined): number | undefined {
  // A full stop may follow.
  const trimmed = text?.trim().replace(/\.$/, '').slice(0, 64) ?? '';
  if (!DURATION.test(trimmed)) return undefined;
  let ms = 0;
  for (const [, number = '', unit = ''] of trimmed.matchAll(DURATION_PART)) ms += Number(number) * (UNITS[unit] ?? 0);
  return Math.round(ms);
}

function finite(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
