import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobRecord } from '../../src/jobs/job-columns.js';
import type { ShardDetail } from '../../src/batch/shards/job-shard-store.js';
import { workPercentage } from '../../src/polling/work-percentage.js';

const job = (change: Partial<JobRecord>) =>
  ({
    status: 'processing',
    languages: ['en', 'ru'],
    totalLots: 100,
    processedLots: 0,
    failedLots: 0,
    awaitingImages: 0,
    awaitingVision: 0,
    awaitingTranslation: 0,
    ...change,
  }) as JobRecord;

const batch = (change: Partial<ShardDetail>) =>
  ({
    stage: 'vision',
    attempt: 0,
    request_total: 100,
    request_completed: 0,
    request_failed: 0,
    ...change,
  }) as ShardDetail;

describe('workPercentage', () => {
  it('workPercentage moves with OpenAI’s own counts, long before a result is taken in', () => {
    const waiting = job({ awaitingVision: 100 });
    const counts = [0, 1, 50, 99, 100].map((request_completed) =>
      workPercentage(waiting, [batch({ request_completed })]),
    );
    expect(counts).toEqual([5, 5.6, 35, 64.4, 65]);
    expect(workPercentage(waiting, [batch({ request_completed: 40, request_failed: 10 })])).toBe(35);
  });

  it('workPercentage moves beside lots that failed before they were sent', () => {
    const failed = job({ failedLots: 60, awaitingVision: 40 });
    const start = workPercentage(failed, [batch({ request_total: 40 })]);
    expect(workPercentage(failed, [batch({ request_total: 40, request_completed: 10 })])).toBeGreaterThan(start);
  });

  it('workPercentage gives all of the way to vision where nothing is translated', () => {
    const english = job({ languages: ['EN', 'en-GB'], awaitingVision: 100 });
    expect(workPercentage(english, [batch({ request_completed: 50 })])).toBe(50);
    expect(workPercentage(job({ languages: ['enm'], awaitingVision: 100 }), [batch({ request_completed: 50 })])).toBe(
      35,
    );
  });

  it('workPercentage counts a lot that is asked for again once', () => {
    const waiting = job({ awaitingVision: 55, awaitingTranslation: 45 });
    const first = batch({ request_total: 50, request_completed: 45, request_failed: 5 });
    const again = batch({ attempt: 1, request_total: 5, request_completed: 4 });
    expect(workPercentage(waiting, [first, again])).toBe(workPercentage(waiting, [first]));
  });

  it('workPercentage says 100 only when the job has ended, and then always', () => {
    expect(workPercentage(job({ processedLots: 100 }), [])).toBe(99.99);
    for (const status of ['completed', 'failed', 'cancelled'] as const) {
      expect(workPercentage(job({ status, processedLots: 1 }), [])).toBe(100);
    }
  });

  it('workPercentage never falls, whatever way the lots of a job take', () => {
    // Each step moves some lots on in one of two batches, as the stages do.
    const step = fc.record({
      kind: fc.integer({ min: 0, max: 6 }),
      shard: fc.nat({ max: 1 }),
      lots: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, translates) => {
        const shards = [0, 1].map(() => ({
          images: 50,
          unsent: 0,
          sent: 0,
          answered: 0,
          total: 0,
          described: 0,
          asked: 0,
          told: 0,
        }));
        let [processedLots, failedLots, last] = [0, 0, 0];
        for (const { kind, shard, lots } of steps) {
          const s = shards[shard] as (typeof shards)[number];
          const take = (from: 'images' | 'unsent' | 'sent' | 'described') => {
            const n = Math.min(lots, s[from]);
            s[from] -= n;
            return n;
          };
          if (kind === 0) s.unsent += take('images');
          else if (kind === 1) failedLots += take('images');
          else if (kind === 2) {
            // What one file takes is sent at once, and never again as a first try.
            if (s.total === 0 && s.images === 0) s.total = s.sent = take('unsent') + s.unsent;
            if (s.total > 0) s.unsent = 0;
          } else if (kind === 3) s.answered = Math.min(s.total, s.answered + lots);
          else if (kind === 4 && s.answered === s.total) s.described += take('sent');
          else if (kind === 5 && s.answered === s.total) failedLots += take('sent');
          else if (kind === 6) {
            const done = take('described');
            s.asked += translates ? done : 0;
            s.told = s.asked;
            processedLots += done;
          }
          const sum = (pick: (one: (typeof shards)[number]) => number) =>
            shards.reduce((all, one) => all + pick(one), 0);
          const now = workPercentage(
            job({
              languages: translates ? ['en', 'ru'] : ['en'],
              processedLots,
              failedLots,
              awaitingImages: sum(({ images }) => images),
              awaitingVision: sum(({ unsent, sent }) => unsent + sent),
              awaitingTranslation: sum(({ described }) => described),
            }),
            shards.flatMap(({ answered, told }) => [
              batch({ request_completed: answered }),
              batch({ stage: 'translation', request_completed: told }),
            ]),
          );
          expect(now).toBeGreaterThanOrEqual(last);
          expect(now).toBeLessThan(100);
          last = now;
        }
      }),
    );
  });
});
