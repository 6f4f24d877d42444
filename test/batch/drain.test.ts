import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SubmitStage } from '../../src/batch/stages/submit.stage.js';
import { Retention } from '../../src/batch/upkeep/retention.js';
import { UpkeepCron } from '../../src/batch/upkeep/upkeep.cron.js';
import { Database } from '../../src/database/database.service.js';
import { BatchHints } from '../../src/common/work-hints.js';
import { ShardStore } from '../../src/batch/shards/shard-store.js';
import { BatchRig } from './rig.js';

// Real: the stages, their loops and leases, PostgreSQL, the sandbox. Called by the test: what Nest calls when a process ends.

/** Something that a test waits for, or lets happen. */
class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

describe('a worker that stops', () => {
  let rig: BatchRig;
  let stage: SubmitStage;
  beforeEach(async () => {
    rig = await BatchRig.start({ LEASE_SECONDS: '600' });
    stage = rig.module.get(SubmitStage);
    stage.onApplicationBootstrap();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rig.close();
  });

  const leases = () =>
    rig.db.database.query(
      `select status, lock_token is null as free, next_check_at <= clock_timestamp() as due from openai_batches`,
    );
  /** A job that waits to be submitted. */
  async function queued(): Promise<string> {
    const id = await rig.job({ languages: ['en'] });
    await rig.run('photos');
    return id;
  }
  const files = async () => {
    const { json } = await rig.sandbox.call('GET', '/sandbox/log?bodies=false&path=/v1/files');
    return (json['requests'] as unknown[]).length;
  };

  it('a worker that stops lets go of the shard whose upload it breaks off, so that another goes on at once', async () => {
    const id = await queued();
    await rig.fault({ action: 'hang', method: 'POST', path: '/v1/files', count: 1 });
    await stage.tick();
    await expect.poll(files).toBe(1);
    expect(await leases()).toEqual([{ status: 'submitting', free: false, due: false }]);
    stage.onModuleDestroy();
    await stage.beforeApplicationShutdown();
    expect(await leases()).toEqual([{ status: 'submitting', free: true, due: true }]);
    // Another process, whose lease it never was.
    expect(await rig.run('watch')).toBe(1);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a worker that stops waits for what it is about to commit', async () => {
    await queued();
    const [begun, go] = [new Gate(), new Gate()];
    vi.spyOn(stage, 'run').mockImplementation(async (claim) => {
      begun.open();
      await go.opened;
      await rig.module.get(ShardStore).letGo(rig.module.get(Database), claim, { reason: 'committed' }, 60);
    });
    await stage.tick();
    await begun.opened;
    stage.onModuleDestroy();
    let stopped = false;
    const stopping = stage.beforeApplicationShutdown().then(() => (stopped = true));
    await leases();
    expect(stopped).toBe(false);
    go.open();
    await stopping;
    expect(await rig.shards()).toMatchObject([{ status: 'queued', reason: 'committed' }]);
  });

  it('a worker that stops does not begin on what a claim under way brings, and lets it go', async () => {
    await queued();
    const [asked, go] = [new Gate(), new Gate()];
    const claim = stage.claim.bind(stage);
    vi.spyOn(stage, 'claim').mockImplementation(async (limit) => {
      asked.open();
      await go.opened;
      return claim(limit);
    });
    const run = vi.spyOn(stage, 'run');
    const tick = stage.tick();
    await asked.opened;
    stage.onModuleDestroy();
    const stopping = stage.beforeApplicationShutdown();
    go.open();
    await Promise.all([tick, stopping]);
    expect(run).not.toHaveBeenCalled();
    expect(await leases()).toEqual([{ status: 'queued', free: true, due: true }]);
  });

  it('a worker that stops claims nothing more, neither by its clock nor by a hint', async () => {
    await queued();
    const claim = vi.spyOn(stage, 'claim');
    stage.onModuleDestroy();
    await stage.tick();
    rig.module.get(BatchHints).wake();
    await stage.beforeApplicationShutdown();
    expect(claim).not.toHaveBeenCalled();
    expect(await leases()).toEqual([{ status: 'queued', free: true, due: true }]);
  });

  it('a worker that stops ends its upkeep with the step that is under way', async () => {
    const upkeep = rig.module.get(UpkeepCron);
    const [begun, go] = [new Gate(), new Gate()];
    let ended = false;
    const step = vi.spyOn(rig.module.get(Retention), 'step').mockImplementation(async () => {
      begun.open();
      await go.opened;
      ended = true;
      return true;
    });
    const tick = upkeep.removeOld();
    await begun.opened;
    upkeep.onModuleDestroy();
    const stopping = upkeep.beforeApplicationShutdown().then(() => expect(ended).toBe(true));
    go.open();
    await Promise.all([tick, stopping]);
    await upkeep.removeOld();
    expect(step).toHaveBeenCalledTimes(1);
  });
});
