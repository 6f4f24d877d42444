import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { QueueWatch } from '../../src/batch/limits/queue-watch.js';
import { Clock } from '../../src/common/clock.js';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { BatchRig } from './rig.js';

const MODEL = 'gpt-5.6-terra';
const REFUSAL = { action: 'batch_fail', code: 'token_limit_exceeded', message: 'Limit: 900,000 enqueued tokens' };

describe("OpenAI's queue", () => {
  let rig: BatchRig;
  afterEach(async () => {
    vi.restoreAllMocks();
    await rig.close();
  });

  /** Values of a metric by the labels after `model`, of the one model that these tests use. */
  async function metric(name: string): Promise<Record<string, number>> {
    const found = await metricsRegistry.getSingleMetric(name)?.get();
    if (found === undefined) throw new Error(`there is no metric ${name}`);
    return Object.fromEntries(
      found.values.map(({ labels, value }) => [String(labels['limit'] ?? labels['waits_for']), value]),
    );
  }

  /** What a counter rises by during `work`. */
  async function rise(work: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = await metric('openai_queue_limit_reached_total');
    await work();
    const after = await metric('openai_queue_limit_reached_total');
    const risen = Object.entries(after).map(([limit, value]) => [limit, value - (before[limit] ?? 0)] as const);
    return Object.fromEntries(risen.filter(([, value]) => value > 0));
  }

  const look = () => rig.module.get(QueueWatch).look();
  const messages = (spy: { mock: { calls: unknown[][] } }) => spy.mock.calls.map(([message]) => message);

  it('a full queue of OpenAI is logged when OpenAI reports it, and shown in the metrics until the batch has left', async () => {
    rig = await BatchRig.start();
    const warn = vi.spyOn(Logger.prototype, 'warn');
    await rig.fault({ ...REFUSAL, count: 1 });
    const id = await rig.job({ languages: ['en'] });
    const risen = await rise(() =>
      rig.runUntil(async () => (await rig.shards())[0]?.reason === 'token_limit_exceeded'),
    );
    expect(risen).toEqual({ refused: 1 });
    expect(messages(warn)).toContain("OpenAI's queue of enqueued tokens is full");
    await look();
    expect(await metric('openai_batches_waiting')).toEqual({ tokens: 1 });
    await rig.runToEnd(id);
    await look();
    expect(await metric('openai_batches_waiting')).toEqual({});
    expect(await metric('openai_batches_waiting_oldest_seconds')).toEqual({});
  });

  it("OpenAI's queue is taken for full whatever the code of the refusal", async () => {
    rig = await BatchRig.start();
    await rig.fault({
      action: 'status',
      method: 'POST',
      path: '/v1/batches',
      status: 429,
      code: 'rate_limit_exceeded',
      message: 'Enqueued token limit reached. Limit: 700,000 enqueued tokens.',
      count: 1,
    });
    await rig.job({ languages: ['en'] });
    await rig.run('photos');
    expect(await rise(() => rig.run('submit'))).toEqual({ refused: 1 });
    expect(await rig.shards()).toMatchObject([{ status: 'queued', reason: 'token_limit_exceeded' }]);
    expect(
      await rig.db.database.query('select enqueued_token_limit from openai_models where model = $1', [MODEL]),
    ).toEqual([{ enqueued_token_limit: '700000' }]);
  });

  it("a shard waits for OpenAI's queue by our own count, and each wait is logged once", async () => {
    rig = await BatchRig.start({ MAX_ENQUEUED_TOKENS: '20000' }, { SANDBOX_BATCH_FINALIZE_SECONDS: '3600' });
    const warn = vi.spyOn(Logger.prototype, 'warn');
    for (let job = 0; job < 2; job += 1) await rig.job({ lots: 3, languages: ['en'] });
    await rig.run('photos');
    const risen = await rise(async () => {
      for (let round = 0; round < 3; round += 1) {
        await rig.makeDue();
        await rig.run('submit');
      }
    });
    expect(risen).toEqual({ enqueued_tokens: 1 });
    expect(messages(warn).filter((message) => message === "a batch waits for room in OpenAI's queue")).toHaveLength(1);
    const waiting = (await rig.shards()).filter(({ reason }) => reason === 'waiting_for_tokens');
    expect(waiting).toMatchObject([{ status: 'queued' }]);
    await rig.db.database.execute(
      `update openai_batches set next_check_at = now() + interval '1 hour' where reason is not null`,
    );
    const watch = async () => {
      await rig.db.database.execute(
        `update openai_batches set next_check_at = clock_timestamp() where status = 'watching'`,
      );
      await rig.run('watch');
    };
    // Before that the hour would begin only after the clock was moved.
    await expect
      .poll(async () => {
        await watch();
        return (await rig.shards()).map((shard) => shard.upstream_status);
      })
      .toContain('finalizing');
    await rig.sandbox.call('POST', '/sandbox/clock', { advanceSeconds: 3700 });
    // The batch that leaves makes room, so everything that waits for room is due at once.
    await expect
      .poll(async () => {
        await watch();
        return rig.run('submit');
      })
      .toBe(1);
  });

  it('batches that have waited for hours for tokens, but not for a place, are logged as errors', async () => {
    rig = await BatchRig.start({ ACTIVE_BATCH_LIMIT_KEY: '1' }, { SANDBOX_BATCH_FINALIZE_SECONDS: '3600' });
    for (let job = 0; job < 2; job += 1) await rig.job({ lots: 1, languages: ['en'] });
    await rig.run('photos');
    expect(await rise(() => rig.run('submit'))).toEqual({ active_batches: 1 });
    await rig.db.database.execute(`update openai_batches set created_at = now() - interval '3 hours'`);
    const error = vi.spyOn(Logger.prototype, 'error');
    await look();
    expect(await metric('openai_batches_waiting')).toEqual({ place: 1 });
    expect(messages(error)).toEqual([]);

    await rig.db.database.execute(`update openai_batches set reason = 'token_limit_exceeded' where status = 'queued'`);
    const now = vi.spyOn(Clock.prototype, 'now');
    for (const minutes of [0, 59, 60]) {
      now.mockReturnValue(Date.UTC(2026, 0, 1) + minutes * 60_000);
      await look();
    }
    const alarm = 'batches have waited for OpenAI for hours; an operator must look';
    expect(messages(error)).toEqual([alarm, alarm]);
    expect(error.mock.calls[0]?.[1]).toMatchObject({ model: MODEL, waits_for: 'tokens', batches: 1 });
  });
});
