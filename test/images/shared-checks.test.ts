import { describe, expect, it } from 'vitest';
import { Clock } from '../../src/common/clock.js';
import { KEPT_MS, SharedChecks } from '../../src/images/shared-checks.js';
import { FakeClock } from '../support/fake-clock.js';
import { signalled } from '../outbound/loopback.js';

describe('SharedChecks', () => {
  it('checks are shared: there is one for all that ask while it runs', async () => {
    const checks = new SharedChecks<number>(new Clock());
    const done = signalled<number>();
    let started = 0;
    const start = () => {
      started++;
      return done.promise;
    };
    const all = Array.from({ length: 200 }, () => checks.join('a', undefined, start));
    const other = checks.join('b', undefined, () => Promise.resolve(2));
    done.resolve(1);
    expect(new Set(await Promise.all(all))).toEqual(new Set([1]));
    expect([started, await other]).toEqual([1, 2]);
    expect(await checks.join('a', undefined, () => Promise.resolve(3))).toBe(3);
  });

  it('SharedChecks goes on when one of them leaves, and stops when the last one does', async () => {
    const checks = new SharedChecks<number>(new Clock());
    const stopped = signalled();
    const [first, second] = [new AbortController(), new AbortController()];
    const start = (signal: AbortSignal) =>
      new Promise<number>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          stopped.resolve();
          reject(new Error('stopped'));
        });
      });
    const one = checks.join('a', first.signal, start);
    const two = checks.join('a', second.signal, start);
    first.abort(new Error('gone'));
    await expect(one).rejects.toThrow('gone');
    const three = checks.join('a', undefined, () => Promise.reject(new Error('a check runs already')));
    second.abort(new Error('gone too'));
    await expect(two).rejects.toThrow('gone too');
    const last = new AbortController();
    const alone = checks.join('b', last.signal, start);
    last.abort(new Error('nobody'));
    await expect(alone).rejects.toThrow('nobody');
    await stopped.promise;
    three.catch(() => undefined);
    await expect(checks.join('a', first.signal, start)).rejects.toThrow('gone');
  });

  it('SharedChecks remembers for five minutes, and no more than it has room for', () => {
    const clock = new FakeClock();
    const checks = new SharedChecks<number>(clock);
    checks.remember('a', 1);
    const began = clock.now();
    clock.advance(KEPT_MS - 1);
    expect(checks.known('a')).toBe(1);
    expect([checks.known('a', began), checks.known('a', began + 1)]).toEqual([1, undefined]);
    clock.advance(1);
    expect(checks.known('a')).toBeUndefined();
    checks.remember('a', 1);
    for (let n = 0; n < 20_000; n++) checks.remember(`k${n}`, n);
    expect([checks.known('a'), checks.known('k19999')]).toEqual([undefined, 19_999]);
    for (let n = 0; n < 2500; n++) checks.remember(`${n}${'x'.repeat(4000)}`, n);
    expect(checks.known('k19999')).toBeUndefined();
    expect(checks.known(`2499${'x'.repeat(4000)}`)).toBe(2499);
  });
});
