import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { OverdueJobs } from '../../src/batch/upkeep/overdue-jobs.js';
import { Database, type Sql, type Transaction } from '../../src/database/database.service.js';
import { BatchRig, type JobOfRig } from './rig.js';

// Where lots lie on another server than their job, a transaction over both is committed there first. Here the server of the jobs dies
// before it commits too: the lots' half of a transaction stays, and everything else of it is as it was.

class Killed extends Error {}

/** The tables of the jobs' server that a stage's transactions change. */
const JOB_HALF = [
  'batch_jobs',
  'openai_batches',
  'job_usage',
  'key_usage',
  'key_usage_entries',
  'webhook_deliveries',
  'webhook_endpoints',
];
type Rows = Record<string, unknown>;

/** Changes whenever a lot or a description does. */
async function markOf(tx: Sql): Promise<string> {
  const lots = await tx.query('select * from batch_lots order by job_id, position');
  const results = await tx.query('select count(*) as n from batch_results');
  return JSON.stringify([lots, results]);
}

/** Ends the process in the commit of the n-th transaction that changes lots: only the lots' half is committed. */
class HalfCommits {
  private left = Infinity;
  struck = false;

  constructor(database: Database) {
    const transaction = database.transaction.bind(database) as (
      work: (tx: Transaction) => Promise<unknown>,
    ) => Promise<unknown>;
    database.transaction = (async (work: (tx: Transaction) => Promise<unknown>) => {
      const result = await transaction(async (tx) => {
        if (this.struck) throw new Killed('dead');
        if (this.left === Infinity) return work(tx);
        const before: Rows[][] = [];
        for (const table of JOB_HALF) before.push(await tx.query<Rows>(`select to_jsonb(t) as row from ${table} t`));
        const mark = await markOf(tx);
        const done = await work(tx);
        if ((await markOf(tx)) === mark || (this.left -= 1) > 0) return done;
        this.struck = true;
        for (const [index, table] of JOB_HALF.entries()) {
          await tx.execute(`delete from ${table}`);
          await tx.execute(
            `insert into ${table} select r.* from unnest($1::jsonb[]) j, jsonb_populate_record(null::${table}, j) r`,
            [(before[index] ?? []).map(({ row }) => JSON.stringify(row))],
          );
        }
        return done;
      });
      if (this.struck) throw new Killed('killed');
      return result;
    }) as Database['transaction'];
    for (const name of ['query', 'rows', 'execute'] as const) {
      const call = database[name].bind(database) as (...args: unknown[]) => Promise<unknown>;
      database[name] = ((...args: unknown[]) =>
        this.struck ? Promise.reject(new Killed('dead')) : call(...args)) as never;
    }
  }

  arm(transactions: number): void {
    this.left = transactions;
  }

  /** A new process. */
  restart(): void {
    this.left = Infinity;
    this.struck = false;
  }
}

let rig: BatchRig;
let commits: HalfCommits;
beforeAll(async () => {
  rig = await BatchRig.start();
  commits = new HalfCommits(rig.module.get(Database));
});
beforeEach(async () => {
  await rig.sandbox.call('DELETE', '/sandbox/faults');
});
afterAll(() => rig.close());

/** Runs jobs, each cut at its next transaction that changes lots, until one is cut no more. @returns how many were cut */
async function cutEach(jobOf: () => JobOfRig, calls: Record<string, number>): Promise<number> {
  for (let cut = 1; ; cut += 1) {
    const id = await rig.job(jobOf());
    commits.arm(cut);
    await rig
      .runUntil(() => rig.settled())
      .catch((error: unknown) => {
        if (!commits.struck) throw error;
      });
    const { struck } = commits;
    commits.restart();
    const job = await rig.runToEnd(id);
    await rig.runUntil(() => rig.settled());
    expect(job, `transaction ${cut}`).toMatchObject({ status: 'completed' });
    expect(await rig.audit(id), `transaction ${cut}`).toEqual([]);
    expect(await rig.countedCalls(id), `transaction ${cut}`).toEqual(calls);
    if (!struck) return cut - 1;
  }
}

const NOTES = { languages: ['en', 'de'], options: { include: ['notes'] } } as const;

it('a batch of which only the lots’ half of a commit is left counts each lot and each call once, and ends', async () => {
  await rig.fault({ action: 'scene', scene: 'two_dents', kind: 'vision' });
  // The photo check, the file of descriptions and that of translations.
  expect(await cutEach(() => ({ lots: 2, ...NOTES }), { vision: 2, translation: 2 })).toBe(3);
}, 120_000);

it('lots that are asked for directly are not asked for again, and find their next shard', async () => {
  await rig.fault(
    { action: 'scene', scene: 'two_dents', kind: 'vision' },
    { action: 'line_status', status: 500, code: 'server_error' },
  );
  // The photo check, two tries by batch with the ends of their shards, both models, and the step between them.
  expect(await cutEach(() => ({ lots: 1, ...NOTES }), { vision: 1, translation: 1 })).toBeGreaterThanOrEqual(5);
}, 120_000);

it('lots that wait for a photo host find the range of their own that was lost', async () => {
  const id = await rig.job({ lots: 2 });
  await rig.db.database.execute('update batch_lots set attempt = 4 where job_id = $1 and position = 1', [id]);
  expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
  expect(await rig.audit(id)).toEqual([]);
});

it('a job whose lots a deadline has ended, without the job, ends', async () => {
  const id = await rig.job({ lots: 2 });
  await rig.db.database.execute(
    `update batch_lots set status = 'failed', finished_at = now(), error = '{"code": "DEADLINE_EXCEEDED", "message": "late"}'
     where job_id = $1`,
    [id],
  );
  await rig.db.database.execute(`update batch_jobs set created_at = now() - interval '2 days' where id = $1`, [id]);
  await rig.module.get(OverdueJobs).end();
  expect(await rig.jobRow(id)).toMatchObject({
    status: 'failed',
    failed_lots: 2,
    failures: { DEADLINE_EXCEEDED: { lots: 2 } },
    error: { code: 'DEADLINE_EXCEEDED' },
  });
  expect(await rig.audit(id)).toEqual([]);
});
