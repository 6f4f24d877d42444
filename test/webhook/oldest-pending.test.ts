import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { createRig, type Rig } from './support/rig.js';
import { seedJob } from './support/seed.js';

// Real: PostgreSQL and the registry. Faked: the wall clock; in the last tests the answer of the database.

const NAME = 'webhook_oldest_pending_seconds';

describe('the oldest webhook that waits', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await createRig();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rig.close();
  });

  /** The line of it in /metrics, without its name. */
  const shown = async () => {
    const lines = (await metricsRegistry.metrics()).split('\n').filter((line) => line.startsWith(`${NAME} `));
    return lines.map((line) => Number(line.slice(NAME.length)));
  };
  const endedJob = async () => rig.end(await seedJob(rig.db.database, { lots: 1, webhookUrl: 'https://well.test/' }));

  it('the oldest webhook that waits is looked for when the metrics are asked for, without any cron', async () => {
    await endedJob();
    rig.clock.advance(40_000);
    expect(await shown()).toEqual([40]);
  });

  it('the oldest webhook that waits is 0 seconds old where nothing waits', async () => {
    expect(await shown()).toEqual([0]);
  });

  it('the oldest webhook that waits costs one look, however many ask', async () => {
    const look = vi.spyOn(rig.claims, 'oldestDue');
    await Promise.all([shown(), shown()]);
    await shown();
    expect(look).toHaveBeenCalledTimes(1);
  });

  it('the oldest webhook that waits is not shown while the database cannot say, and takes no other metric with it', async () => {
    vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    vi.spyOn(rig.claims, 'oldestDue').mockRejectedValue(new Error('connect ECONNREFUSED'));
    expect(await shown()).toEqual([]);
    expect(await metricsRegistry.metrics()).toContain('process_cpu_user_seconds_total');
  });
});
