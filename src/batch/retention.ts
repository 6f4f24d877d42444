import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database } from '../database/database.service.js';

/** Rows of one statement: a large job must not hold locks, or bloat the log, for seconds. */
const STEP_ROWS = 2000;
const DAY_MS = 24 * 3_600_000;
/** No client has this key id: a job that is being removed is found by nobody, however far its removal has come. */
const NOBODY = '';

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
    for (const table of ['batch_results', 'batch_lot_inputs', 'batch_lots'] as const) {
      const gone = await this.database.execute(
        `delete from ${table} where ctid = any(array(select ctid from ${table} where job_id = $1 limit ${STEP_ROWS}))`,
        [job.id],
      );
      if (gone > 0) return true;
    }
    await this.database.transaction(async (tx) => {
      await tx.execute(
        `delete from webhook_attempts where delivery_id in (select id from webhook_deliveries where job_id = $1)`,
        [job.id],
      );
      for (const table of ['webhook_deliveries', 'openai_batches', 'job_usage'] as const) {
        await tx.execute(`delete from ${table} where job_id = $1`, [job.id]);
      }
      await tx.execute('delete from batch_jobs where id = $1', [job.id]);
    });
    return true;
  }

  /** Hides one job from its client; its removal begins with the next step. */
  private async begin(): Promise<boolean> {
    const before = new Date(this.clock.now() - this.config.jobs.retentionDays * DAY_MS);
    const hidden = await this.database.execute(
      `update batch_jobs set key_id = $2 where id = (
         select j.id from batch_jobs j
         where coalesce(j.completed_at, j.cancelled_at) < $1 and j.key_id <> $2
           and not exists (select 1 from webhook_deliveries d
             where d.job_id = j.id and d.status in ('pending', 'in_flight'))
           and not exists (select 1 from openai_batches b
             where b.job_id = j.id and (b.status not in ('done', 'cancelled')
               -- Without its shards nobody would know which files at OpenAI are to be deleted.
               or b.input_file_id is not null or b.output_file_id is not null or b.error_file_id is not null))
         order by j.id limit 1 for update skip locked)`,
      [before, NOBODY],
    );
    return hidden > 0;
  }
}
