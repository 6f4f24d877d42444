import { describe, expect, it } from 'vitest';
import { ApiError, ConnectionError } from '../src/index.js';
import { pauseBefore, retryAfterSeconds } from '../src/retry-rules.js';

const options = { retries: 3, longestPause: 120 };
const refused = (status: number, code?: string, retryAfter: number | null = null): ApiError =>
  new ApiError(status, code === undefined ? {} : { code }, retryAfter);

describe('the next attempt', () => {
  it.each([
    ['a broken connection', new ConnectionError('reset')],
    ['a full minute', refused(429, 'RATE_LIMITED')],
    ['too many jobs', refused(429, 'TOO_MANY_ACTIVE_JOBS')],
    ['the same request being taken in', refused(409, 'REQUEST_IN_PROGRESS')],
    ['a database that is away', refused(503, 'SERVICE_UNAVAILABLE')],
    ['a proxy while the service restarts', refused(502)],
  ])('comes after %s', (_name, error) => {
    expect(pauseBefore(1, error, options)).toBeGreaterThan(0);
    expect(pauseBefore(4, error, options)).toBeNull();
  });

  it.each([
    ['a wrong signature', refused(403, 'INVALID_SIGNATURE')],
    ['a refusal of the model, which was paid for', refused(502, 'OPENAI_API_ERROR')],
    ['a time-out of the model', refused(504, 'OPENAI_TIMEOUT')],
    ['a cancelled job', refused(409, 'JOB_CANCELLED')],
    ['an error of the caller', new TypeError('undefined is not a function')],
  ])('does not come after %s', (_name, error) => {
    expect(pauseBefore(1, error, options)).toBeNull();
  });

  it('is never sooner than the service asks, and is not waited for when that is too long', () => {
    expect(pauseBefore(1, refused(429, 'RATE_LIMITED', 17), options, 0)).toBeGreaterThanOrEqual(17);
    expect(pauseBefore(1, refused(429, 'RATE_LIMITED', 121), options)).toBeNull();
  });

  it('waits longer each time, and each client differently', () => {
    const error = new ConnectionError('reset');
    expect([1, 2, 3].map((attempt) => pauseBefore(attempt, error, options, 1))).toEqual([0.5, 1, 2]);
    expect(pauseBefore(3, error, options, 0)).toBe(1);
  });

  it('reads Retry-After as seconds and as a date', () => {
    expect(retryAfterSeconds('30')).toBe(30);
    expect(retryAfterSeconds('Thu, 01 Jan 2026 00:00:10 GMT', Date.UTC(2026, 0, 1))).toBe(10);
    expect(retryAfterSeconds('soon')).toBeNull();
    expect(retryAfterSeconds(null)).toBeNull();
  });
});
