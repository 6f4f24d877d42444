import { Logger } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import type { JobStatusStore } from '../../src/jobs/job-status-store.js';
import { JobWatcher } from '../../src/polling/job-watcher.js';
import { FakeClock } from '../support/fake-clock.js';

/** Faked: the clock, and the tags that the look-up reads. */
function setUp() {
  const clock = new FakeClock();
  const tags = new Map([
    ['a', '1'],
    ['b', '1'],
  ]);
  const statements: string[][] = [];
  let failing = false;
  let answered: () => void = () => undefined;
  const states: Pick<JobStatusStore, 'tags'> = {
    tags: (ids) => {
      statements.push([...ids]);
      // After the watcher has seen the answer.
      setImmediate(answered);
      if (failing) return Promise.reject(new Error('away'));
      return Promise.resolve(new Map([...tags].filter(([id]) => ids.includes(id))));
    },
  };
  const watcher = new JobWatcher(states as JobStatusStore, clock);
  return {
    tags,
    statements,
    watcher,
    limits: () => ({ timeoutMs: 60_000, signal: new AbortController().signal }),
    fail: (on: boolean) => (failing = on),
    /** Lets a second pass, and what is asked after it be answered. */
    second: async () => {
      const looked = new Promise<void>((resolve) => (answered = resolve));
      await clock.untilWaiting();
      clock.advance(1000);
      await looked;
    },
  };
}

// The failed look-up is logged, as it is to be.
Logger.overrideLogger(false);

describe('JobWatcher', () => {
  it('JobWatcher asks once a second for all that are watched, whoever watches them', async () => {
    const { second, tags, statements, watcher, limits } = setUp();
    const waits = [
      ...Array.from({ length: 50 }, () => watcher.waitForChange('a', '1', limits())),
      watcher.waitForChange('b', '1', limits()),
    ];
    await second();
    tags.set('a', '2').set('b', '3');
    await second();
    await expect(Promise.all(waits)).resolves.toEqual(Array.from({ length: 51 }, () => true));
    expect(statements).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  it('JobWatcher wakes who is behind already, and who watches a job that is gone', async () => {
    const { second, watcher, limits } = setUp();
    const waits = [watcher.waitForChange('a', '0', limits()), watcher.waitForChange('gone', '1', limits())];
    await second();
    await expect(Promise.all(waits)).resolves.toEqual([true, true]);
  });

  it('JobWatcher goes on after a look-up that failed', async () => {
    const { second, tags, watcher, limits, fail } = setUp();
    const wait = watcher.waitForChange('a', '1', limits());
    fail(true);
    await second();
    fail(false);
    tags.set('a', '2');
    await second();
    await expect(wait).resolves.toBe(true);
  });

  it('JobWatcher ends a wait by its time, its signal or the end of the process, and then asks no more', async () => {
    const { statements, watcher, limits } = setUp();
    await expect(watcher.waitForChange('a', '1', { ...limits(), timeoutMs: 1 })).resolves.toBe(false);
    const hangUp = new AbortController();
    const hungUp = watcher.waitForChange('a', '1', { ...limits(), signal: hangUp.signal });
    hangUp.abort();
    await expect(hungUp).resolves.toBe(false);
    await expect(watcher.waitForChange('a', '1', { ...limits(), signal: hangUp.signal })).resolves.toBe(false);
    const last = watcher.waitForChange('a', '1', limits());
    watcher.onModuleDestroy();
    await expect(last).resolves.toBe(false);
    await expect(watcher.waitForChange('a', '1', limits())).resolves.toBe(false);
    expect(statements).toEqual([]);
  });
});
