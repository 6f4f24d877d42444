import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type SendResult } from '../../src/webhook/attempt-outcome.js';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from '../../src/outbound/retry-after.js';
import { firstAttemptAt, retryWaitMs } from '../../src/webhook/next-attempt.js';
import { DEFAULT_WEBHOOK_SCHEDULE } from '../../src/config/webhook-retry-schedule.js';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const schedule = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 15 });
const NOW = Date.parse('2026-03-01T12:00:00Z');

describe('the retry schedule', () => {
  it('the retry schedule waits what the schedule says, give or take 20 %, and no less than the receiver asked for', () => {
    fc.assert(
      fc.property(schedule, fc.nat(20), fc.nat(200_000_000), random, (seconds, failures, asked, r) => {
        const wait = retryWaitMs(seconds, failures, asked, r);
        const planned = seconds[failures];
        if (planned === undefined) {
          expect(wait).toBeNull();
          return;
        }
        expect(wait).not.toBeNull();
        const honoured = Math.min(asked, MAX_RETRY_AFTER_MS);
        expect(wait).toBeGreaterThanOrEqual(Math.max(Math.floor(planned * 800), honoured));
        expect(wait).toBeLessThanOrEqual(Math.max(Math.ceil(planned * 1200), honoured));
      }),
    );
  });

  it('the retry schedule spreads waits over the whole ±20 %', () => {
    expect(retryWaitMs([0, 100], 1, 0, 0)).toBe(80_000);
    expect(retryWaitMs([0, 100], 1, 0, 0.5)).toBe(100_000);
    expect(retryWaitMs([0, 100], 1, 0, 0.999999)).toBe(120_000);
  });

  it('the retry schedule by default ends after ten attempts in about 41 hours', () => {
    const waits = Array.from({ length: 12 }, (_, failures) =>
      retryWaitMs(DEFAULT_WEBHOOK_SCHEDULE, failures + 1, 0, 0.5),
    );
    expect(waits.map((wait) => (wait === null ? null : wait / 1000))).toEqual([
      30,
      60,
      120,
      240,
      1800,
      7200,
      18_000,
      36_000,
      86_400,
      null,
      null,
      null,
    ]);
  });

  it('the retry schedule starts when its first entry says', () => {
    expect(firstAttemptAt([0, 30], new Date(NOW))).toEqual(new Date(NOW));
    expect(firstAttemptAt([5, 30], new Date(NOW))).toEqual(new Date(NOW + 5000));
  });

  it.each([
    [null, 0],
    ['120', 120_000],
    [' 7 ', 7000],
    ['0', 0],
    ['999999999999', MAX_RETRY_AFTER_MS],
    ['Sun, 01 Mar 2026 12:10:00 GMT', 600_000],
    ['Sunday, 01-Mar-26 12:10:00 GMT', 600_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['Mon, 01 Mar 2027 11:00:00 GMT', MAX_RETRY_AFTER_MS],
    ['-5', 0],
    ['1.5', 0],
    ['soon', 0],
    ['5 apples', 0],
    ['', 0],
  ])('Retry-After %j is read as %i ms', (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });

  it('Retry-After never throws and stays within its bounds', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const wait = retryAfterMs(header, NOW);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(MAX_RETRY_AFTER_MS);
      }),
    );
  });
});

describe('the judgement of an attempt', () => {
  const result = (facts: Partial<SendResult>): SendResult => ({
    status: null,
    retryAfter: null,
    location: null,
    responseStart: null,
    address: '203.0.113.1',
    durationMs: 12,
    error: null,
    mayKeepAnswer: true,
    ...facts,
  });
  const budget = (failures: number) => ({ schedule: DEFAULT_WEBHOOK_SCHEDULE, failures, retries: true });

  const statuses = [200, 201, 204, 299, 300, 301, 302, 307, 400, 401, 404, 409, 410, 413, 425, 429, 500, 502, 503, 504];
  const asked = [null, '5', '90', '86400', '200000', 'Sun, 01 Mar 2026 13:00:00 GMT', 'nonsense'];
  const matrix = statuses.flatMap((status) => asked.map((retryAfter) => ({ status, retryAfter })));

  it.each(matrix)(
    'the judgement of $status with Retry-After $retryAfter holds on every attempt',
    ({ status, retryAfter }) => {
      for (let failures = 0; failures < DEFAULT_WEBHOOK_SCHEDULE.length; failures++) {
        const verdict = judge(result({ status, retryAfter }), budget(failures), NOW, 0.5);
        if (status < 300) {
          expect(verdict).toEqual({ outcome: 'delivered', gone: false, nextAttemptAt: null, error: null });
          continue;
        }
        expect(verdict.outcome).toBe('failed');
        expect(verdict.gone).toBe(status === 410);
        expect(verdict.error).toContain(`HTTP ${status}`);
        const planned = DEFAULT_WEBHOOK_SCHEDULE[failures + 1];
        if (status === 410 || planned === undefined) {
          expect(verdict.nextAttemptAt).toBeNull();
        } else {
          const wait = Math.max(planned * 1000, retryAfterMs(retryAfter, NOW));
          expect(verdict.nextAttemptAt).toEqual(new Date(NOW + wait));
        }
      }
    },
  );

  it('the judgement of an attempt names where a redirect led, which is not followed', () => {
    const verdict = judge(result({ status: 302, location: 'http://10.0.0.1/admin' }), budget(0), NOW, 0.5);
    expect(verdict.error).toBe('HTTP 302: redirects are not followed (to http://10.0.0.1/admin)');
  });

  it('the judgement of an attempt says nothing of what a host of OUTBOUND_ALLOW answered', () => {
    const facts = { status: 302, location: 'http://inside/', mayKeepAnswer: false };
    expect(judge(result(facts), budget(0), NOW, 0.5).error).toBe('the answer was not a 2xx');
  });

  it('an attempt is made again when no answer came, and a ping is tried once', () => {
    const failed = result({ error: 'no answer came in time' });
    expect(judge(failed, budget(0), NOW, 0.5)).toMatchObject({
      outcome: 'failed',
      error: 'no answer came in time',
      nextAttemptAt: new Date(NOW + 30_000),
    });
    expect(judge(failed, { ...budget(0), retries: false }, NOW, 0.5).nextAttemptAt).toBeNull();
  });
});
