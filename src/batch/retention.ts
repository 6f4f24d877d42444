import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database } from '../database/database.service.js';

/** Rows of one statement: a large job must not hold locks, or bloat the log, for seconds. */
const STEP_ROWS = 2000;
const DAY_MS = 24 * 3_600_000;
/** What a job may have any number of, and whose it is; attempts before the deliveries that lead to them. */
const STEPS = [
  ['batch_results', 'job_id = $1'],
  ['batch_lot_inputs', 'job_id = $1'],
  ['batch_lots', 'job_id = $1'],
  ['webhook_attempts', 'delivery_id in (select id from webhook_deliveries where job_id = $1)'],
  ['webhook_deliveries', 'job_id = $1'],
] as const;
/** No client has this key id: a job that is being removed is found by nobody, however far its removal has come. */
const NOBODY = '';

/** Nothing to deliver, nothing at OpenAI: without its shards nobody would know which files there are to be deleted. */
const NOTHING_LEFT_TO_DO = `not exists (
    select 1 from webhook_deliveries d where d.job_id = j.id and d.status in ('pending', 'in_flight'))
  and not exists (
    select 1 from openai_batches b where b.job_id = j.id and (b.status not in ('done', 'cancelled')
      or b.input_file_id is not null or b.output_file_id is not null or b.error_file_id is not null))`;

/** Removes jobs older than RETENTION_DAYS, never one that still has something to deliver. */
@Injectable()
export class Retention {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
  ) {}

  /** Takes the oldest job that may go a step further. @returns false when none is left */
  async step(): Promise<boolean> {
    const [job] = await this.database.query<{ id: string }>(
      `select id from batch_jobs where key_id = $1 order by id desc limit 1`,
      [NOBODY],
    );
    if (job === undefined) return this.begin();
    for (const [table, whose] of STEPS) {
      const gone = await this.database.execute(
        `delete from ${table} where ctid = any(array(select ctid from ${table} where ${whose} limit ${STEP_ROWS}))`,
        [job.id],
      );
      if (gone > 0) return true;
    }
    await this.database.transaction(async (tx) => {
      await tx.execute('delete from openai_batches where job_id = $1', [job.id]);
      await tx.execute('delete from job_usage where job_id = $1', [job.id]);
      await tx.execute('delete from batch_jobs where id = $1', [job.id]);
    });
    return true;
  }

  /** Hides one job from its client; its removal begins with the next step. */
  private async begin(): Promise<boolean> {
    const before = new Date(this.clock.now() - this.config.jobs.retentionDays * DAY_MS);
    return this.database.transaction(async (tx) => {
      const [job] = await tx.query<{ id: string }>(
        `select j.id from batch_jobs j
         where coalesce(j.completed_at, j.cancelled_at) < $1 and j.key_id <> $2 and ${NOTHING_LEFT_TO_DO}
         order by j.id limit 1 for update skip locked`,
        [before, NOBODY],
      );
      if (job === undefined) return false;
      // Asked again under the lock: its webhooks may have been sent for again while the first statement ran.
      const hidden = await tx.execute(`update batch_jobs j set key_id = $2 where j.id = $1 and ${NOTHING_LEFT_TO_DO}`, [
        job.id,
        NOBODY,
      ]);
      return hidden > 0;
    });
  }
}
