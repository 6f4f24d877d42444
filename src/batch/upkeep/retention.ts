import { Inject, Injectable } from '@nestjs/common';
import { Clock, DAY_MS } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database, type Transaction } from '../../database/database.service.js';

/** Rows of one transaction: a large job must not hold locks, or bloat the log, for seconds. */
const STEP_ROWS = 2000;
/** Jobs of one transaction: so many synchronous ones are within STEP_ROWS, whatever languages they have. */
const STEP_JOBS = 100;
/**
 * What a job may have any number of, and whose it is ($1: jobs); attempts before the deliveries that lead to them.
 * Rows are named by their keys: a bare ctid is another row in each partition of a table.
 */
const PARTS = [
  { table: 'batch_results', key: 'job_id, position, language, revision', where: 'job_id = any($1::uuid[])' },
  { table: 'batch_lot_inputs', key: 'job_id, position', where: 'job_id = any($1::uuid[])' },
  { table: 'batch_lots', key: 'job_id, position', where: 'job_id = any($1::uuid[])' },
  {
    table: 'webhook_attempts',
    key: 'delivery_id, attempt',
    where: 'delivery_id in (select id from webhook_deliveries where job_id = any($1::uuid[]))',
  },
  { table: 'webhook_deliveries', key: 'id', where: 'job_id = any($1::uuid[])' },
] as const;
/** No client has this key id: a job that is being removed is found by nobody, however far its removal has come. */
const NOBODY = '';
/** Spelt as the partial index of ended jobs is. */
const ENDED_AT = 'coalesce(completed_at, cancelled_at)';

/**
 * For the rest of the transaction. A planner that takes a table for small, or has not been told yet that it has grown,
 * reads all of it, and would do so for every hundred jobs.
 */
const BY_INDEXES_ALONE = `select set_config(setting, 'off', true)
  from unnest('{enable_seqscan,enable_hashjoin,enable_mergejoin}'::text[]) setting`;

/** A place in the order in which jobs ended; the time as PostgreSQL writes it, which is finer than a Date. */
interface Place {
  readonly ended: string;
  readonly id: string;
}

const FIRST: Place = { ended: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/** Removes jobs older than RETENTION_DAYS, never one that still has something to deliver. */
@Injectable()
export class Retention {
  /**
   * Up to here this round has removed what may go. Without it each step would begin with all that went before, which
   * the index holds until it is vacuumed, and with all that has to stay.
   */
  private passed = FIRST;

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
  ) {}

  /**
   * Takes the oldest jobs that may go a step further; those that another process has in hand are left to it.
   * @returns false when none is left: the next step begins a new round
   */
  async step(): Promise<boolean> {
    const before = new Date(this.clock.now() - this.config.jobs.retentionDays * DAY_MS);
    for (;;) {
      const { last, whole, removed } = await this.database.transaction((tx) => this.removeSome(tx, before));
      this.passed = last === undefined ? FIRST : whole ? last : this.passed;
      if (removed) return true;
      if (last === undefined) return false;
    }
  }

  /** One transaction: nobody sees a job half removed but hidden, and the locks keep other processes at other jobs. */
  private async removeSome(tx: Transaction, before: Date): Promise<Step> {
    const old = await tx.query<{ id: string; ended: string }>(
      `select id, ${ENDED_AT}::text as ended from batch_jobs
       where ${ENDED_AT} < $1 and (${ENDED_AT}, id) > ($2::timestamptz, $3::uuid)
       order by ${ENDED_AT}, id limit ${STEP_JOBS} for update skip locked`,
      [before, this.passed.ended, this.passed.id],
    );
    const ids = await this.withNothingLeftToDo(
      tx,
      old.map(({ id }) => id),
    );
    const last = old.at(-1);
    if (ids.length === 0) return { last, whole: true, removed: false };
    await tx.query(BY_INDEXES_ALONE);
    let room = STEP_ROWS;
    for (const { table, key, where } of PARTS) {
      room -= await tx.execute(
        `delete from ${table} where (${key}) in (select ${key} from ${table} where ${where} limit $2)`,
        [ids, room],
      );
      if (room > 0) continue;
      // Hidden from their clients from the first row on; what is left goes with the next step, of whichever process.
      await tx.execute('update batch_jobs set key_id = $2 where id = any($1::uuid[]) and key_id <> $2', [ids, NOBODY]);
      return { last, whole: false, removed: true };
    }
    await tx.execute('delete from openai_batches where job_id = any($1::uuid[])', [ids]);
    await tx.execute('delete from job_usage where job_id = any($1::uuid[])', [ids]);
    await tx.execute('delete from batch_jobs where id = any($1::uuid[])', [ids]);
    return { last, whole: true, removed: true };
  }

  /**
   * Those of the locked jobs with nothing to deliver and nothing at OpenAI: without its shards nobody would know which
   * files there are to be deleted. A statement of its own, after the locks: webhooks that were sent for again while they
   * were waited for are seen. `offset 0` has each job looked up by the index, whatever the planner thinks of the tables.
   */
  private async withNothingLeftToDo(tx: Transaction, ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    const rows = await tx.query<{ id: string }>(
      `select j.id from unnest($1::uuid[]) as j (id)
       where not exists (
         select 1 from webhook_deliveries d where d.job_id = j.id and d.status in ('pending', 'in_flight') offset 0)
       and not exists (
         select 1 from openai_batches b where b.job_id = j.id and (b.status not in ('done', 'cancelled')
           or b.input_file_id is not null or b.output_file_id is not null or b.error_file_id is not null) offset 0)`,
      [ids],
    );
    return rows.map(({ id }) => id);
  }
}

interface Step {
  /** The last of the jobs that were looked at, undefined when there was none. */
  readonly last: Place | undefined;
  /** False: some of them have rows left. */
  readonly whole: boolean;
  readonly removed: boolean;
}
