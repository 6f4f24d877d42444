import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OpenAiError, type OpenAiErrorKind } from '../../src/openai/errors.js';
import { retryDelayMs, withRetries } from '../../src/openai/retry.js';
import { failureOf } from './client-rig.js';
import { FakeClock } from '../support/fake-clock.js';

const policy = { maxTries: 5, baseDelayMs: 2000 };
const middle = () => 0.5;

describe('retryDelayMs', () => {
  it('retryDelayMs doubles from 2 to 32 s and stays there', () => {
    const delays = [1, 2, 3, 4, 5, 6, 12].map((failed) => retryDelayMs(policy, failed, undefined, middle));
    expect(delays).toEqual([2000, 4000, 8000, 16_000, 32_000, 32_000, 32_000]);
  });

  it('retryDelayMs keeps within 20 % of the schedule and never below Retry-After', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined }),
        (failed, random, retryAfter) => {
          const scheduled = retryDelayMs(policy, failed, undefined, middle);
          const delay = retryDelayMs(policy, failed, retryAfter, () => random);
          expect(delay).toBeGreaterThanOrEqual(Math.max(scheduled * 0.8 - 1, retryAfter ?? 0));
          expect(delay).toBeLessThanOrEqual(Math.max(scheduled * 1.2 + 1, retryAfter ?? 0));
        },
      ),
    );
  });
});

describe('withRetries', () => {
  const failing =
    (kind: OpenAiErrorKind, retryable = true, retryAfterMs?: number) =>
    () =>
      Promise.reject(new OpenAiError({ kind, retryable, retryAfterMs }));

  function run(clock: FakeClock, seconds: number, attempt: (tryNumber: number) => Promise<unknown>) {
    return withRetries(clock, policy, { deadlineAt: clock.now() + seconds * 1000 }, attempt, middle);
  }

  it('withRetries gives up after the last try without another wait', async () => {
    const clock = new FakeClock({ skipUpToMs: 60_000 });
    const error = await failureOf(run(clock, 600, failing('server')));
    expect(error).toMatchObject({ kind: 'server', attempts: 5 });
    expect(clock.skipped).toEqual([2000, 4000, 8000, 16_000]);
  });

  it('withRetries does not begin a wait that would pass the deadline', async () => {
    const clock = new FakeClock({ skipUpToMs: 60_000 });
    const error = await failureOf(run(clock, 10, failing('server')));
    expect(error).toMatchObject({ kind: 'server', attempts: 3 });
    expect(clock.skipped).toEqual([2000, 4000]);
  });

  it('withRetries gives up at once when Retry-After is longer than the time that is left', async () => {
    const clock = new FakeClock({ skipUpToMs: 60_000 });
    const error = await failureOf(run(clock, 300, failing('rate_limited', true, 3_600_000)));
    expect(error).toMatchObject({ kind: 'rate_limited', attempts: 1, retryAfterMs: 3_600_000 });
    expect(clock.skipped).toEqual([]);
  });

  it.each(['quota', 'image', 'rejected'] as const)(
    'withRetries does not repeat what was refused (%s)',
    async (kind) => {
      const error = await failureOf(run(new FakeClock({ skipUpToMs: 60_000 }), 300, failing(kind, false)));
      expect(error.attempts).toBe(1);
    },
  );

  it('withRetries ends with an open circuit and does not count it as sent', async () => {
    const clock = new FakeClock({ skipUpToMs: 60_000 });
    const kinds: OpenAiErrorKind[] = ['server', 'circuit_open'];
    const error = await failureOf(run(clock, 300, (tryNumber) => failing(kinds[tryNumber - 1] ?? 'server')()));
    expect(error).toMatchObject({ kind: 'circuit_open', attempts: 1 });
  });

  it('withRetries lets an error that is not of OpenAI pass as it is', async () => {
    const fault = new RangeError('ours');
    await expect(run(new FakeClock({ skipUpToMs: 60_000 }), 300, () => Promise.reject(fault))).rejects.toBe(fault);
  });

  it('withRetries stops waiting when the caller hangs up', async () => {
    const clock = new FakeClock();
    const hangUp = new AbortController();
    const limits = { deadlineAt: clock.now() + 300_000, signal: hangUp.signal };
    const call = failureOf(withRetries(clock, policy, limits, failing('server')));
    // The wait has begun once the rejection of the first try has been handled.
    await clock.untilWaiting();
    hangUp.abort();
    expect(await call).toMatchObject({ kind: 'aborted', attempts: 1 });
    expect(clock.waiting).toBe(0);
  });
});
