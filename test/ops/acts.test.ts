import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { OperatorActStore } from '../../src/ops/operator-act-store.js';
import { currentOperator } from '../../src/ops/operator.js';
import { refusalOf } from '../../src/ops/refusal.js';
import type { JobColumns } from '../support/a-job.mjs';
import { insertJob, insertLot, type LotFixture } from '../jobs/fixtures.js';
import { OpsRig } from './rig.js';

const FAILED: LotFixture = { status: 'failed', error: { code: 'DEADLINE_EXCEEDED', message: 'late' } };
const REFUSED: LotFixture = { status: 'failed', error: { code: 'REFUSED', message: 'refused' } };
const WHY = ['--reason', 'the photo host is back', '--by', 'Ann'];

// Real: PostgreSQL and the commands. Made by hand: jobs, lots and deliveries as workers leave them.
describe('what operators do', () => {
  let ops: OpsRig;

  beforeAll(async () => {
    ops = await OpsRig.start();
  });
  afterAll(() => ops.close());

  const one = async (text: string, values: unknown[]) => (await ops.db.database.query(text, values))[0];
  const jobOf = (id: string) => one('select * from batch_jobs where id = $1', [id]);
  const acts = (jobId: string) => ops.app.get(OperatorActStore).latest(jobId, 10);

  async function endedJob(lots: readonly LotFixture[], change: JobColumns = {}): Promise<string> {
    const failed = lots.filter(({ status }) => status === 'failed').length;
    const job = await insertJob(ops.db.database, {
      keyId: newId(),
      secretFingerprint: '0123456789abcdef',
      status: 'completed',
      stage: 'done',
      completedAt: new Date(),
      totalLots: lots.length,
      failedLots: failed,
      awaitingVision: 0,
      ...change,
    });
    for (const [position, lot] of lots.entries()) await insertLot(ops.db.database, job.id, position, lot);
    await ops.db.database.execute(
      `update batch_lot_inputs set images = '["https://cdn.test/a.jpg"]' where job_id = $1`,
      [job.id],
    );
    return job.id;
  }

  async function refused(...words: string[]): Promise<unknown> {
    return ops.run(...words).then(
      () => expect.fail('it was not refused'),
      (error: unknown) => (error as { code?: unknown }).code,
    );
  }

  it('retry makes a job of the failed lots, as the API would for their key, and the record names it', async () => {
    const job = await endedJob([FAILED, {}, REFUSED]);
    expect(await ops.json('retry', job, '--dry-run')).toMatchObject({ dry_run: true, lots: 2, warnings: [] });
    expect(await acts(job)).toEqual([]);
    const done = await ops.json('retry', job, '--codes', 'DEADLINE_EXCEEDED', ...WHY);
    expect(done).toMatchObject({ act: 'retry', job_id: job, changed: true, lots: 1, audit: { by: 'Ann' } });
    const source = await jobOf(job);
    expect(await jobOf(done['retry_job_id'] as string)).toMatchObject({
      key_id: source?.['key_id'],
      secret_fingerprint: '0123456789abcdef',
      retry_of: job,
      total_lots: 1,
      status: 'pending',
    });
    expect(await acts(job)).toEqual([
      {
        id: (done['audit'] as { id: string }).id,
        operator: 'Ann',
        act: 'retry',
        jobId: job,
        arguments: { codes: ['DEADLINE_EXCEEDED'], lot_ids: null },
        reason: 'the photo host is back',
        begunAt: expect.any(Date) as Date,
        endedAt: expect.any(Date) as Date,
        result: {
          changed: true,
          retry_job_id: done['retry_job_id'],
          lots: 1,
          estimated_cost_usd: expect.any(Number) as number,
        },
      },
    ]);
  });

  it('retry that is repeated, also at the same moment, takes each lot once, and the refusal is on record', async () => {
    const job = await endedJob([FAILED, FAILED]);
    const outcomes = await Promise.allSettled(Array.from({ length: 3 }, () => ops.run('retry', job, ...WHY)));
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await one('select count(*)::int as n from batch_jobs where retry_of = $1', [job])).toEqual({ n: 1 });
    expect(await refused('retry', job, ...WHY)).toBe('NOTHING_TO_RETRY');
    expect(
      (await acts(job)).map(({ result }) => (result !== null && 'refused' in result ? 'refused' : 'done')).toSorted(),
    ).toEqual(['done', 'refused', 'refused', 'refused']);
  });

  it('retry keeps the limits of the key, and does not touch a job that runs', async () => {
    const job = await endedJob([FAILED]);
    const { key_id: keyId } = (await jobOf(job)) as { key_id: string };
    for (let active = 0; active < 3; active++) await insertJob(ops.db.database, { keyId });
    expect(await refused('retry', job, ...WHY)).toBe('TOO_MANY_ACTIVE_JOBS');
    const running = await endedJob([FAILED], { status: 'processing', completedAt: null });
    expect(await refused('retry', running, ...WHY)).toBe('JOB_NOT_FINISHED');
    expect(await refused('retry', running, '--dry-run')).toBe('JOB_NOT_FINISHED');
    expect(await refused('retry', newId(), ...WHY)).toBe('JOB_NOT_FOUND');
    expect(await refused('retry', job, '--lot', 'no such lot', ...WHY)).toBe('LOT_NOT_FOUND');
  });

  it('what is refused is told in one sentence, without routes or members of answers', async () => {
    const job = await endedJob([REFUSED, REFUSED]);
    const said = (...words: string[]) => ops.run(...words, ...WHY).then(() => null, refusalOf);
    const one = (sentence: string) => ({ sentence, exitCode: 1 });
    expect(await said('pause', 'no-id')).toEqual(one('There is no job with this id.'));
    expect(await said('pause', job)).toEqual(one('The job has already ended; its status is completed.'));
    expect(await said('retry', job, '--lot', 'x\u001b[2J')).toEqual(one(String.raw`The job has no lot x\u001b[2J.`));
    expect(await said('retry', job, '--codes', 'NO_IMAGES')).toEqual(
      one('No lot that was chosen has failed; the job’s lots without a result are: REFUSED 2.'),
    );
    expect(await said('resend', job, '--delivery', newId())).toEqual(one('The job has no delivery with this id.'));
    const { retry_job_id: retry } = await ops.json('retry', job, ...WHY);
    expect(await said('retry', job)).toEqual(
      one(`Lots chosen: 2. A retry has them in hand or has described them: job ${String(retry)}.`),
    );
  });

  it('a retry in a language without a glossary leaves its making to the workers', async () => {
    const job = await endedJob([FAILED], { languages: ['fi'] });
    await ops.run('retry', job, ...WHY);
    expect(await one(`select status, lock_token from glossary_makings where tag = 'fi'`, [])).toEqual({
      status: 'wanted',
      lock_token: null,
    });
  });

  it("pause and resume set and clear the operator's flag alone, and repeats change nothing", async () => {
    const { id } = await insertJob(ops.db.database, { pausedByClient: true, pausedAt: new Date() });
    expect(await ops.json('pause', id, ...WHY)).toMatchObject({
      changed: true,
      paused: true,
      pause: { by: ['client', 'operator'] },
    });
    const again = await ops.run('pause', id, '--reason', 'another');
    expect(again.document).toMatchObject({ changed: false, audit: { by: currentOperator(), reason: 'another' } });
    expect(again.text).toMatch(
      /^The job is paused by an operator already; the first reason stays\. It resumes by itself at /,
    );
    expect(await jobOf(id)).toMatchObject({ operator_pause_reason: 'the photo host is back', paused_by_client: true });
    const resumed = await ops.run('resume', id, ...WHY);
    expect(resumed.document).toMatchObject({ changed: true, paused: true, pause: { by: ['client'] } });
    expect(resumed.text).toMatch(/^The operator's pause is ended; its client has paused it still\.\nOn record as /);
    expect(await ops.json('resume', id, ...WHY)).toMatchObject({ changed: false });
    expect(await jobOf(id)).toMatchObject({ operator_pause_reason: null, paused_by_client: true });
    expect((await acts(id)).map(({ act, result }) => [act, result?.['changed']])).toEqual([
      ['resume', false],
      ['resume', true],
      ['pause', false],
      ['pause', true],
    ]);
  });

  it('a job that has ended or is synchronous is not paused, and the attempt is on record', async () => {
    const ended = await endedJob([FAILED]);
    const { id: sync } = await insertJob(ops.db.database, { mode: 'sync' });
    expect(await refused('pause', ended, ...WHY)).toBe('JOB_NOT_PAUSABLE');
    expect(await refused('resume', sync, ...WHY)).toBe('JOB_NOT_PAUSABLE');
    expect((await acts(ended)).map(({ result }) => result)).toEqual([{ changed: false, refused: 'JOB_NOT_PAUSABLE' }]);
  });

  it("resend queues all webhooks of a job's end again, or one, with their ids", async () => {
    const job = await endedJob([{}, {}]);
    const ids = [newId(), newId()];
    for (const id of ids) {
      await ops.db.database.execute(
        `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, status, failures, next_attempt_at, created_at)
         select $1, id, key_id, 'https://hooks.test', 'https://hooks.test/', 'batch_job_completed', 'failed', 9, now(), now()
         from batch_jobs where id = $2`,
        [id, job],
      );
    }
    const states = async () =>
      (
        await ops.db.database.query('select status, failures from webhook_deliveries where job_id = $1 order by id', [
          job,
        ])
      ).map(({ status, failures }) => [status, failures]);
    expect(await ops.json('resend', job, '--delivery', ids[1] ?? '', ...WHY)).toMatchObject({
      changed: true,
      deliveries: 1,
    });
    expect(await states()).toEqual([
      ['failed', 9],
      ['pending', 0],
    ]);
    for (const _repeat of [1, 2]) {
      expect(await ops.json('resend', job, ...WHY)).toMatchObject({ changed: true, deliveries: 2 });
      expect(await states()).toEqual([
        ['pending', 0],
        ['pending', 0],
      ]);
    }
    expect(await refused('resend', job, '--delivery', newId(), ...WHY)).toBe('DELIVERY_NOT_FOUND');
    expect(await refused('resend', job, '--delivery', 'x', ...WHY)).toBe('DELIVERY_NOT_FOUND');
    expect(await ops.json('resend', await endedJob([{}]), ...WHY)).toMatchObject({ changed: false, deliveries: 0 });
  });

  it('an act whose end is not known stays on record as begun, and audit says so', async () => {
    const { id } = await insertJob(ops.db.database);
    await ops.db.database.execute(
      `create or replace function cut() returns trigger language plpgsql as $$ begin raise 'cut'; end $$`,
    );
    await ops.db.database.execute(
      `create trigger cut before update on batch_jobs for each row when (new.id = '${id}') execute function cut()`,
    );
    await expect(ops.run('pause', id, '--reason', 'why\u001b[2J', '--by', 'Ben')).rejects.toThrow('cut');
    await ops.db.database.execute('drop trigger cut on batch_jobs');
    expect(await ops.json('audit', id)).toMatchObject({
      acts: [{ act: 'pause', job_id: id, by: 'Ben', reason: 'why\u001b[2J', ended_at: null, result: null }],
    });
    expect((await ops.run('audit', id)).text).toMatch(
      new RegExp(String.raw`\n\S+Z  Ben  pause  not known  why\\u001b\[2J$`),
    );
  });

  it('an act that cannot be put on record is not done', async () => {
    const { id } = await insertJob(ops.db.database);
    await ops.db.database.execute('alter table operator_acts rename to away');
    await expect(ops.run('pause', id, ...WHY)).rejects.toThrow('operator_acts');
    await ops.db.database.execute('alter table away rename to operator_acts');
    expect(await jobOf(id)).toMatchObject({ operator_pause_reason: null, paused_at: null });
  });
});
