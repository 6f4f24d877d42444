import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JobPauses, type PauseOutcome } from '../../src/batch/shards/job-pauses.js';
import { ModelQueueStore } from '../../src/batch/shards/model-queue-store.js';
import { OverdueJobs } from '../../src/batch/upkeep/overdue-jobs.js';
import { Clock } from '../../src/common/clock.js';
import { LotDescriber } from '../../src/describe/lot-describer.js';
import { JobEnder } from '../../src/jobs/job-ender.js';
import type { Pause } from '../../src/jobs/job-pause.js';
import { OpenAiClient } from '../../src/openai/openai-client.js';
import { JobShardStore } from '../../src/batch/shards/job-shard-store.js';
import { BatchRig } from './rig.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

// Real: PostgreSQL, the stages, photo hosts on loopback, the sandbox. Moved: the clock.
describe('a paused job', () => {
  let rig: BatchRig;
  let later = 0;
  const servers: Server[] = [];

  beforeEach(() => {
    later = 0;
    vi.spyOn(Clock.prototype, 'now').mockImplementation(() => Date.now() + later);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    await rig.close();
  });

  const start = async (...settings: Parameters<typeof BatchRig.start>) => {
    rig = await BatchRig.start(...settings);
  };
  const pauses = () => rig.module.get(JobPauses, { strict: false });
  const pause = (id: string, by: Pause = { by: 'client' }): Promise<PauseOutcome> =>
    rig.db.database.transaction((tx) => pauses().pause(tx, id, by));
  const resume = (id: string, by: 'client' | 'operator' = 'client'): Promise<PauseOutcome> =>
    rig.db.database.transaction((tx) => pauses().resume(tx, id, by));

  /** Several rounds of every stage and of the upkeep. */
  async function work(rounds = 4): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await rig.makeDue();
      for (const name of ['photos', 'submit', 'watch', 'take-in', 'direct'] as const) await rig.run(name);
      await rig.module.get(OverdueJobs).hurry();
      await rig.module.get(OverdueJobs).end();
    }
  }

  /** Requests that reached the sandbox's API. */
  async function requests(): Promise<number> {
    const { json } = await rig.sandbox.call('GET', '/sandbox/log?bodies=false&path=/v1/');
    return (json['requests'] as unknown[]).length;
  }

  /** Works on the job until its batch has ended at OpenAI and its lots wait for a glossary that is never made. */
  async function waitForWords(id: string): Promise<void> {
    await rig.fault({ action: 'hang', path: '/v1/responses' });
    await expect
      .poll(
        async () => {
          await work(1);
          return (await rig.lots(id)).every(({ status }) => status === 'translating');
        },
        { timeout: 30_000 },
      )
      .toBe(true);
  }

  async function cancel(id: string): Promise<void> {
    await rig.db.database.transaction(async (tx) => {
      await rig.module.get(JobShardStore, { strict: false }).cancel(tx, id);
      await rig.module.get(JobEnder, { strict: false }).endJob(tx, id, 'cancelled');
    });
  }

  it('has no photo checked and nothing sent, and does all of it once it is resumed', async () => {
    await start();
    const id = await rig.job();
    expect(await pause(id)).toBe('changed');
    await work();
    expect(await rig.shards()).toMatchObject([{ status: 'checking_photos' }]);
    expect(await requests()).toBe(0);
    expect(await rig.jobRow(id)).toMatchObject({ status: 'pending', version: 2 });
    expect(await resume(id)).toBe('changed');
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3, paused_at: null });
    expect(await rig.audit(id)).toEqual([]);
  });

  it('has the check of its photos stop at the next slice, and go on from there', async () => {
    await start();
    const asked: string[] = [];
    let begun: Promise<unknown> = Promise.resolve();
    let id = '';
    const server = createServer((request, response) => {
      if (asked.push(request.url ?? '') === 1) begun = pause(id);
      // The pause is committed before the first slice ends.
      void begun.then(() => response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': '50000' }).end());
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    id = await rig.job({ lots: 501, languages: ['en'], photos: (position) => [`${origin}/${position}.jpg`] });
    await rig.run('photos');
    expect(new Set(asked).size).toBe(500);
    const positions = 'select status, photos_position, lock_token from openai_batches where job_id = $1';
    const [shard] = await rig.db.database.query(positions, [id]);
    expect(shard).toEqual({ status: 'checking_photos', photos_position: 500, lock_token: null });
    await rig.makeDue();
    expect(await rig.run('photos')).toBe(0);
    await resume(id);
    expect(await rig.run('photos')).toBe(1);
    expect(new Set(asked).size).toBe(501);
    expect(await rig.shards()).toMatchObject([{ status: 'queued' }]);
  });

  it('makes no batch of a file whose upload the pause met, and sends its lots once after it', async () => {
    await start();
    const id = await rig.job();
    await rig.run('photos');
    const { files } = rig.module.get(OpenAiClient, { strict: false });
    const upload = files.uploadBatchInput.bind(files);
    vi.spyOn(files, 'uploadBatchInput').mockImplementationOnce(async (...call) => {
      const file = await upload(...call);
      await pause(id);
      return file;
    });
    await rig.run('submit');
    expect(await rig.shards()).toMatchObject([{ status: 'queued', submission: 1, reason: null }]);
    expect(await rig.created()).toEqual({});
    expect((await rig.sandbox.call('GET', '/v1/files')).json['data']).toEqual([]);
    await work();
    expect(await rig.created()).toEqual({});
    await resume(id);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await rig.audit(id)).toEqual([]);
  });

  it('has what OpenAI ends taken in, and completes with it where nothing more is to be asked', async () => {
    await start();
    const [wordy, plain] = [await rig.job(), await rig.job({ languages: ['en', 'de'] })];
    await rig.run('photos');
    await rig.run('submit');
    await Promise.all([pause(wordy), pause(plain)]);
    await rig.runUntil(async () => (await rig.jobRow(plain))['status'] === 'completed');
    expect(await rig.jobRow(plain)).toMatchObject({ processed_lots: 3, paused_at: null, paused_by_client: false });
    await rig.runUntil(async () => (await rig.lots(wordy)).every(({ status }) => status === 'translating'));
    await work();
    expect(await rig.jobRow(wordy)).toMatchObject({ status: 'translating', awaiting_translation: 3 });
    // Not even the making of its glossary is asked for.
    expect(await rig.directCalls()).toBe(0);
    await resume(wordy);
    await rig.runToEnd(wordy);
    expect(await rig.results(wordy)).toContain('0 fi');
    expect(await rig.audit(wordy)).toEqual([]);
  });

  it('waits for words as long after the pause as it would have without, and does not carry English because of it', async () => {
    await start({ SHUTDOWN_GRACE: '0' });
    const id = await rig.job({ lots: 2, languages: ['de', 'fi'] });
    await waitForWords(id);
    await pause(id);
    later += 30 * HOUR;
    await work();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'translating', awaiting_translation: 2 });
    await resume(id);
    await work();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'translating', awaiting_translation: 2 });
    later += 21.9 * HOUR;
    await work();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'translating', awaiting_translation: 2 });
    later += 0.2 * HOUR;
    await work();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(await rig.results(id)).toContain('0 fi fallback');
  });

  it('is not ended at 24 hours, and is as long after them as it was paused', async () => {
    await start({}, { SANDBOX_BATCH_FINALIZE_SECONDS: '3600000' });
    const id = await rig.job({ languages: ['en'] });
    await rig.run('photos');
    await pause(id);
    later += 25 * HOUR;
    await work();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'processing', failed_lots: 0 });
    await resume(id);
    later += 23 * HOUR;
    await rig.module.get(OverdueJobs).end();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'processing', failed_lots: 0 });
    later += HOUR;
    await rig.module.get(OverdueJobs).end();
    expect(await rig.jobRow(id)).toMatchObject({ status: 'failed', failed_lots: 3 });
  });

  it('has no direct call begun after those that were under way, and none made twice', async () => {
    await start();
    const id = await rig.job({ lots: 40, languages: ['en'] });
    // Past BATCH_DEADLINE, everything is asked for directly.
    later += 22.1 * HOUR;
    await rig.run('photos');
    await rig.run('submit');
    expect((await rig.shards()).at(-1)).toMatchObject({ status: 'direct' });
    const describer = rig.module.get(LotDescriber, { strict: false });
    const assess = describer.assess.bind(describer);
    const assessed = vi.spyOn(describer, 'assess').mockImplementation(async (...call) => {
      if (assessed.mock.calls.length === 1) await pause(id);
      return assess(...call);
    });
    await rig.run('direct');
    const begun = await rig.directCalls();
    // Sixteen lots are asked for side by side.
    expect(begun).toBeGreaterThanOrEqual(1);
    expect(begun).toBeLessThanOrEqual(17);
    expect(await rig.jobRow(id)).toMatchObject({ processed_lots: begun, status: 'processing' });
    await rig.makeDue();
    expect(await rig.run('direct')).toBe(0);
    await resume(id);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 40 });
    expect(await rig.directCalls()).toBe(40);
    expect(await rig.audit(id)).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4])('is cancelled after %i stages like any other, and nothing of it is left', async (stages) => {
    await start();
    const id = await rig.job();
    for (const name of (['photos', 'submit', 'watch', 'take-in'] as const).slice(0, stages)) {
      await rig.makeDue();
      await rig.run(name);
    }
    await pause(id);
    await cancel(id);
    expect(await rig.jobRow(id)).toMatchObject({ status: 'cancelled', paused_at: null, paused_by_client: false });
    await rig.runUntil(() => rig.settled());
    expect(await rig.audit(id)).toEqual([]);
    expect(await pause(id)).toBe('ended');
    expect(await resume(id)).toBe('ended');
  });

  it('resumes by itself after seven days in all, and cannot be paused again', async () => {
    await start();
    const id = await rig.job({ languages: ['en'] });
    await pause(id);
    later += 2 * DAY;
    await resume(id);
    await pause(id);
    later += 5 * DAY - 60_000;
    await pauses().resumeUsedUp();
    expect(await rig.jobRow(id)).toMatchObject({ paused_by_client: true });
    // However late it is found.
    later += DAY;
    const { version } = await rig.jobRow(id);
    await pauses().resumeUsedUp();
    expect(await rig.jobRow(id)).toMatchObject({
      paused_by_client: false,
      paused_at: null,
      paused_ms: String(7 * DAY),
      version: Number(version) + 1,
    });
    expect(await pause(id)).toBe('used_up');
    expect(await pause(id, { by: 'operator', reason: 'again' })).toBe('used_up');
  });

  it('runs only when neither its client nor an operator has it paused', async () => {
    await start();
    const id = await rig.job({ languages: ['en'] });
    expect(await pause(id, { by: 'operator', reason: 'the photo host asked for it' })).toBe('changed');
    expect(await pause(id, { by: 'operator', reason: 'another' })).toBe('unchanged');
    const since = (await rig.jobRow(id))['paused_at'];
    later += HOUR;
    expect(await pause(id)).toBe('changed');
    expect(await pause(id)).toBe('unchanged');
    expect(await rig.jobRow(id)).toMatchObject({
      operator_pause_reason: 'the photo host asked for it',
      paused_at: since,
      version: 3,
    });
    expect(await resume(id, 'operator')).toBe('changed');
    expect(await resume(id, 'operator')).toBe('unchanged');
    expect(await rig.jobRow(id)).toMatchObject({ operator_pause_reason: null, paused_at: since, version: 4 });
    expect(await rig.run('photos')).toBe(0);
    expect(await resume(id)).toBe('changed');
    expect(await resume(id)).toBe('unchanged');
    const row = await rig.jobRow(id);
    expect(row).toMatchObject({ paused_at: null, version: 5 });
    expect(Number(row['paused_ms'])).toBeGreaterThanOrEqual(HOUR);
    expect(await rig.run('photos')).toBe(1);
  });

  it('rests when the process that worked on it dies, and goes on when it is resumed', async () => {
    await start();
    const id = await rig.job({ languages: ['en'] });
    expect(await rig.stage('photos').claim(1)).toHaveLength(1);
    await pause(id);
    await rig.makeDue();
    expect(await rig.run('photos')).toBe(0);
    await resume(id);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
    expect(await rig.audit(id)).toEqual([]);
  });

  it('has a batch found whose creation was uncertain when the pause came, and pays for it once', async () => {
    await start();
    await rig.fault({ action: 'status', status: 500, after: true, count: 1, method: 'POST', path: '/v1/batches' });
    const id = await rig.job({ languages: ['en'] });
    await rig.run('photos');
    await rig.run('submit');
    expect(await rig.shards()).toMatchObject([{ status: 'submitting' }]);
    await pause(id);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await rig.audit(id)).toEqual([]);
  });

  it("leaves the room in OpenAI's queue to other jobs of its key, and counts as waiting for nothing", async () => {
    await start({ ACTIVE_BATCH_LIMIT_KEY: '1' });
    const [first, second] = [await rig.job({ languages: ['en'] }), await rig.job({ languages: ['en'] })];
    await rig.run('photos');
    await rig.db.database.execute(`update openai_batches set reason = 'waiting_for_tokens' where job_id = $1`, [first]);
    const waiting = () =>
      rig.module.get(ModelQueueStore, { strict: false }).waiting({ place: [], tokens: ['waiting_for_tokens'] });
    expect(await waiting()).toMatchObject([{ batches: 1 }]);
    await pause(first);
    expect(await waiting()).toEqual([]);
    expect(await rig.runToEnd(second)).toMatchObject({ status: 'completed' });
    expect(Object.keys(await rig.created()).every((key) => key.startsWith(second))).toBe(true);
  });

  it('has its shards wait as if there had been no pause', async () => {
    await start();
    const id = await rig.job();
    const made = async () => {
      const rows = await rig.db.database.query<{ at: number }>(
        `select extract(epoch from created_at)::float8 * 1000 as at from openai_batches where job_id = $1
         order by first_position`,
        [id],
      );
      return rows.map(({ at }) => at);
    };
    const [before = 0] = await made();
    await pause(id);
    later += 4 * HOUR;
    await rig.db.database.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
         next_check_at, created_at)
       values ($1, 'vision', 1, 8, 1, 'acme', 'm', 'checking_photos', now(), now() + interval '3 hours')`,
      [id],
    );
    await resume(id);
    const [after = 0, madeMeanwhile = 0] = await made();
    const row = await rig.jobRow(id);
    expect(after - before).toBeCloseTo(Number(row['paused_ms']), 0);
    // It had waited for the last hour only.
    expect(madeMeanwhile).toBeCloseTo(new Date(row['updated_at'] as Date).getTime(), 0);
  });
});
