import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clock } from '../../src/common/clock.js';
import { refusalOf } from '../../src/ops/refusal.js';
import { Status } from '../../src/ops/status.js';
import { insertJob } from '../jobs/fixtures.js';
import { OpsRig } from './rig.js';

const LATE = 'The database took too long: it is busy, or holds a lock.';

// Real: PostgreSQL, with a lock that makes statements wait. Shortened: how long they may.
describe('operators’ commands on a slow database', () => {
  let ops: OpsRig;
  let keeper: pg.Client;

  beforeAll(async () => {
    ops = await OpsRig.start({ statementSeconds: 0.2 });
    keeper = new pg.Client({ connectionString: ops.db.url });
    await keeper.connect();
  });
  afterAll(async () => {
    await keeper.end();
    await ops.close();
  });

  async function whileLocked<T>(table: string, work: () => Promise<T>): Promise<T> {
    await keeper.query(`begin; lock table ${table} in access exclusive mode`);
    try {
      return await work();
    } finally {
      await keeper.query('rollback');
    }
  }

  it('status shows what it can read, and says what it cannot', async () => {
    const { document, text } = await whileLocked('batch_jobs', () => ops.run('status'));
    expect(document).toMatchObject({
      attention: ['No worker is running: batches and webhooks wait.'],
      workers: [],
      jobs: null,
      queue: [],
      unknown: [
        { part: 'jobs', why: LATE },
        { part: 'failures_last_day', why: LATE },
      ],
    });
    expect(text).toContain(`? jobs: not known (${LATE})`);
    expect(text).not.toContain('Nothing needs attention');
  });

  it('a statement that takes too long is ended, and so is an act that waits for a job', async () => {
    const { id } = await insertJob(ops.db.database);
    const outcome = (work: Promise<unknown>) => work.then(() => null, refusalOf);
    const late = { sentence: LATE, exitCode: 1 };
    expect(await whileLocked('batch_jobs', () => outcome(ops.run('jobs')))).toEqual(late);
    await keeper.query('begin');
    await keeper.query('select 1 from batch_jobs where id = $1 for update', [id]);
    expect(await outcome(ops.run('pause', id, '--reason', 'r'))).toEqual(late);
    await keeper.query('rollback');
    expect(await ops.json('pause', id, '--reason', 'r')).toMatchObject({ changed: true });
  });

  it('a statement that ends by itself is not cut short by the one before: the limit is of its own transaction', async () => {
    await whileLocked('batch_jobs', () => ops.run('jobs').catch(() => undefined));
    const [row] = await ops.db.pool
      .query('show statement_timeout')
      .then(({ rows }) => rows as { statement_timeout: string }[]);
    expect(row?.statement_timeout).toBe('0');
    expect(await ops.json('queue')).toEqual({ shards: [], models: [] });
  });

  it('status gives up on a server that never answers, and fails when nothing at all can be read', async () => {
    const never = new Proxy({}, { get: () => () => new Promise(() => undefined) }) as never;
    const status = new Status(20, new Clock(), never, never, never, never, never, never);
    const refused = await status.read().then(() => null, refusalOf);
    expect(refused).toEqual({ sentence: 'The database does not answer.', exitCode: 1 });
  });
});
