import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { MOST_COLUMNS } from '../../src/ops/table.js';
import { insertJob, insertLot } from '../jobs/fixtures.js';
import { OpsRig } from './rig.js';

const HOUR = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);
/** What a client could send as a lot_id, and a receiver as an error. */
const HOSTILE = '\u001b[2Jlot\n\u202egnp';
const SHOWN = String.raw`\u001b[2Jlot\u000a\u202egnp`;

// Real: PostgreSQL and the commands. Made by hand: the rows that workers and the API would have left.
describe('what operators see', () => {
  let ops: OpsRig;

  beforeAll(async () => {
    ops = await OpsRig.start();
  });
  afterEach(async () => {
    for (const table of [
      'workers',
      'openai_batches',
      'openai_models',
      'webhook_deliveries',
      'webhook_endpoints',
      'key_usage',
      'key_usage_entries',
      'batch_lots',
      'batch_lot_inputs',
      'batch_jobs',
    ]) {
      await ops.db.database.execute(`delete from ${table}`);
    }
  });
  afterAll(() => ops.close());

  const execute = (text: string, values: unknown[] = []) => ops.db.database.execute(text, values);

  const worker = (beat: string) =>
    execute(
      `insert into workers (id, role, started_at, beat_at) values ($1, 'worker', now() - interval '1 hour', now() - $2::interval)`,
      [newId(), beat],
    );
  const shard = (jobId: string, first: number, columns: { status: string; reason?: string; tokens?: number }) =>
    execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status, reason,
         estimated_tokens, next_check_at, created_at)
       values ($1, 'vision', $2, 1, $2 + 9, 'acme', 'gpt-5.6-terra', $3, $4, $5, now(), now() - interval '3 hours')`,
      [jobId, first, columns.status, columns.reason ?? null, columns.tokens ?? 0],
    );
  const receiver = (origin: string, columns: { down?: boolean; error?: string } = {}) =>
    execute(
      `insert into webhook_endpoints (key_id, origin, consecutive_failures, opened_at, open_until, last_error, updated_at)
       values ('acme', $1, $2, case when $3 then now() end, case when $3 then now() + interval '1 minute' end, $4, now())`,
      [origin, columns.down === true ? 12 : 0, columns.down === true, columns.error ?? null],
    );
  const delivery = (jobId: string, origin: string, status: string, due: string) =>
    execute(
      `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, status, next_attempt_at, created_at)
       values ($1, $2, 'acme', $3, $3 || '/hook?token=hidden', 'batch_job_completed', $4, now() + $5::interval, now())`,
      [newId(), jobId, origin, status, due],
    );
  const failing = (lots: number, at: Date) => ({ lots, first: at.toISOString(), last: at.toISOString() });

  const status = () => ops.json<{ attention: string[] }>('status');

  it('an empty service whose worker lives needs no attention', async () => {
    await worker('3 seconds');
    const { text } = await ops.run('status');
    expect(text).toContain('Nothing needs attention.');
    expect(text).toContain('Jobs: none is unfinished.');
    expect(await status()).toMatchObject({
      attention: [],
      workers: [{ role: 'worker', alive: true }],
      jobs: { unfinished: [], oldest_unfinished_lot: null, ended_last_day: [] },
      webhooks: { pending: 0, in_flight: 0, oldest_due_seconds: null, receivers_with_open_circuit: 0 },
      queue: [],
      models: [],
      failures_last_day: [],
      unknown: [],
    });
  });

  it('status says first what an operator must look at', async () => {
    await worker('5 minutes');
    const old = await insertJob(ops.db.database, { totalLots: 40, processedLots: 30, createdAt: ago(30 * HOUR) });
    await insertJob(ops.db.database, { pausedByClient: true, pausedAt: ago(HOUR), createdAt: ago(50 * HOUR) });
    // It was paused for so long that it has run for less time.
    await insertJob(ops.db.database, { createdAt: ago(70 * HOUR), pausedMs: String(45 * HOUR) });
    await insertJob(ops.db.database, { status: 'completed', completedAt: ago(HOUR), createdAt: ago(2 * HOUR) });
    await insertJob(ops.db.database, { status: 'failed', completedAt: ago(30 * HOUR), createdAt: ago(31 * HOUR) });
    await shard(old.id, 0, { status: 'queued', reason: 'circuit_open' });
    await shard(old.id, 10, { status: 'paused', reason: 'other_upstream' });
    await shard(old.id, 20, { status: 'watching', tokens: 5000 });
    await shard(old.id, 30, { status: 'done' });
    await execute(
      `insert into openai_models (upstream, model, paused_until, reason, updated_at) values
         ('u', 'gpt-5.6-terra', now() + interval '5 minutes', 'insufficient_quota', now()),
         ('u', 'gpt-5.6-luna', now() - interval '5 minutes', 'over', now()), ('u', '*', null, null, now())`,
    );
    await receiver('https://down.test', { down: true });
    await delivery(old.id, 'https://down.test', 'pending', '-20 minutes');
    const { text } = await ops.run('status');
    expect((await status()).attention).toEqual([
      'No worker is running: batches and webhooks wait.',
      'Nothing is sent to gpt-5.6-terra for now: insufficient_quota.',
      'OpenAI fails: 1 shard wait for it (circuit_open).',
      'OpenAI does not know 1 batch of ours (other_upstream).',
      'The oldest webhook has been due for 20 min.',
      'Receivers that are down: 1 (npm run ops -- receivers).',
      `The oldest unfinished lot is 30 h 0 min old, in job ${old.id}.`,
      'Workers that ended without a word in the last day: 1.',
      'Paused jobs: 1.',
    ]);
    expect(await status()).toMatchObject({
      jobs: {
        unfinished: [{ status: 'processing', jobs: 3, paused: 1, unfinished_lots: 14 }],
        oldest_unfinished_lot: { job_id: old.id },
        ended_last_day: [{ status: 'completed', jobs: 1 }],
      },
      models: [
        { model: 'gpt-5.6-luna', paused_until: null },
        { model: 'gpt-5.6-terra', reason: 'insufficient_quota', enqueued_tokens: 5000, batches: 1 },
      ],
    });
    expect(text.split('\n').filter((line) => line.length > MOST_COLUMNS)).toEqual([]);
    expect(text).toMatch(/^! No worker is running/m);
  });

  it('jobs shows unfinished jobs of all keys, the oldest first, or those in other states, the latest first', async () => {
    const first = await insertJob(ops.db.database, { keyId: 'a', operatorPauseReason: HOSTILE, pausedAt: ago(HOUR) });
    const second = await insertJob(ops.db.database, { keyId: 'b' });
    const done = await insertJob(ops.db.database, { keyId: 'a', status: 'completed' });
    const ids = async (...words: string[]) =>
      ((await ops.json('jobs', ...words))['jobs'] as { job_id: string }[]).map(({ job_id: id }) => id);
    expect(await ids()).toEqual([first.id, second.id]);
    expect(await ids('--limit', '1')).toEqual([first.id]);
    expect(await ids('--key', 'b')).toEqual([second.id]);
    expect(await ids('--status', 'completed,failed')).toEqual([done.id]);
    expect(await ids('--status', 'all')).toEqual([done.id, second.id, first.id]);
    const { text } = await ops.run('jobs');
    expect(text).toContain(`${first.id} is paused by an operator: ${SHOWN}`);
    expect(text).toMatch(new RegExp(`^${first.id}  a    processing .* operator$`, 'm'));
    expect((await ops.run('jobs', '--key', 'nobody')).text).toBe('There is no such job.');
  });

  it('failures sums the lots of all jobs by code, of those that failed lately', async () => {
    const at = ago(HOUR);
    const failures = { REFUSED: failing(2, at), DEADLINE_EXCEEDED: failing(5, ago(48 * HOUR)) };
    await insertJob(ops.db.database, { keyId: 'a', failedLots: 7, failures });
    await insertJob(ops.db.database, { keyId: 'b', failedLots: 3, failures: { REFUSED: failing(3, at) } });
    const counts = async (...words: string[]) =>
      ((await ops.json('failures', ...words))['failures'] as { code: string; lots: number; jobs: number }[]).map(
        ({ code, lots, jobs }) => [code, lots, jobs],
      );
    expect(await counts()).toEqual([['REFUSED', 5, 2]]);
    expect(await counts('--since', '3d')).toEqual([
      ['DEADLINE_EXCEEDED', 5, 1],
      ['REFUSED', 5, 2],
    ]);
    expect(await counts('--key', 'b')).toEqual([['REFUSED', 3, 1]]);
    expect((await ops.run('failures', '--since', '5m')).text).toMatch(/^No lot has failed since /);
  });

  it('failures of a job shows its failed lots, and a hostile lot_id or message stays text in its row', async () => {
    const job = await insertJob(ops.db.database, { totalLots: 3, failedLots: 2 });
    await insertLot(ops.db.database, job.id, 0, {
      lotId: HOSTILE,
      status: 'failed',
      error: { code: 'REFUSED', message: `refused ${HOSTILE}` },
    });
    await insertLot(ops.db.database, job.id, 1);
    await insertLot(ops.db.database, job.id, 2, { status: 'failed', error: { code: 'NO_IMAGES', message: 'none' } });
    const { text } = await ops.run('failures', job.id);
    expect(text.split('\n').slice(1)).toEqual([
      `${SHOWN}  REFUSED    refused ${SHOWN}`,
      `lot-2${' '.repeat(SHOWN.length - 5)}  NO_IMAGES  none`,
      '',
      "Shown: 2 of the job's 2 failed lots.",
    ]);
    expect(await ops.json('failures', job.id, '--code', 'REFUSED')).toMatchObject({
      failed_lots: 2,
      lots: [{ lot_id: HOSTILE, code: 'REFUSED', message: `refused ${HOSTILE}` }],
    });
    await expect(ops.run('failures', newId())).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  it('receivers shows those that fail or wait, without the addresses, which may hold secrets', async () => {
    const job = await insertJob(ops.db.database);
    await receiver('https://down.test', { down: true, error: HOSTILE });
    await receiver('https://well.test');
    await receiver('https://waits.test');
    await delivery(job.id, 'https://down.test', 'failed', '0');
    await delivery(job.id, 'https://down.test', 'pending', '1 hour');
    await delivery(job.id, 'https://waits.test', 'pending', '1 hour');
    const origins = async (...words: string[]) =>
      ((await ops.json('receivers', ...words))['receivers'] as { origin: string }[]).map(({ origin }) => origin);
    expect(await origins()).toEqual(['https://down.test', 'https://waits.test']);
    expect(await origins('--all')).toEqual(['https://down.test', 'https://waits.test', 'https://well.test']);
    expect(await origins('--key', 'nobody')).toEqual([]);
    expect((await ops.json('receivers', '--limit', '1'))['receivers']).toMatchObject([
      { key: 'acme', circuit: 'open', failures_in_a_row: 12, pending: 1, given_up: 1, last_error: HOSTILE },
    ]);
    const { text } = await ops.run('receivers', '--all');
    expect(text).toContain(`https://down.test failed last with: ${SHOWN}`);
    expect(text).not.toContain('hidden');
  });

  it('queue shows what waits for OpenAI and why, without what has ended', async () => {
    const { id } = await insertJob(ops.db.database);
    await shard(id, 0, { status: 'queued', reason: HOSTILE });
    await shard(id, 10, { status: 'queued', reason: HOSTILE });
    await shard(id, 20, { status: 'cancelled' });
    expect((await ops.json('queue'))['shards']).toMatchObject([
      { stage: 'vision', model: 'gpt-5.6-terra', status: 'queued', reason: HOSTILE, shards: 2, lots: 20 },
    ]);
    expect((await ops.run('queue')).text).toContain(SHOWN);
  });

  it('usage sums all keys by day, model, mode or key, with what no worker has summed yet', async () => {
    await execute(
      `insert into key_usage values ('a', '2026-01-01', 'm', 'batch', 1, 10, 2, 5, 0.5), ('b', '2026-01-02', 'm', 'sync', 2, 20, 0, 6, 0.25)`,
    );
    await execute(`insert into key_usage_entries values ('b', '2026-01-02', $1, 'n', 'batch', 3, 1, 0, 1, 0.125)`, [
      newId(),
    ]);
    const days = ['--from', '2026-01-01', '--to', '2026-01-31'];
    const rows = async (...words: string[]) =>
      ((await ops.json('usage', ...days, ...words))['rows'] as { name: string; lots: number; cost_usd: number }[]).map(
        ({ name, lots, cost_usd: cost }) => [name, lots, cost],
      );
    expect(await rows()).toEqual([
      ['2026-01-01', 1, 0.5],
      ['2026-01-02', 5, 0.375],
    ]);
    expect(await rows('--group-by', 'key')).toEqual([
      ['a', 1, 0.5],
      ['b', 5, 0.375],
    ]);
    expect(await rows('--group-by', 'model', '--key', 'b')).toEqual([
      ['m', 2, 0.25],
      ['n', 3, 0.125],
    ]);
    await expect(ops.run('usage', '--from', '2026-02-01', '--to', '2026-01-01')).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });
});
