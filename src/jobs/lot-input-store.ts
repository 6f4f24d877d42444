import { Injectable } from '@nestjs/common';
import { Database, type Sql } from '../database/database.service.js';

/** Reads what clients sent about their lots besides the photos, where nothing else of a lot is needed. */
@Injectable()
export class LotInputStore {
  constructor(private readonly database: Database) {}

  async additionalInfo(jobId: string, position: number): Promise<string | null> {
    const [input] = await this.database.query<{ additional_info: string | null }>(
      'select additional_info from batch_lot_inputs where job_id = $1 and position = $2',
      [jobId, position],
    );
    return input?.additional_info ?? null;
  }

  /** Input tokens of a lot's photos, as their check found; null where it found none. */
  async photoTokens(jobId: string, position: number): Promise<number | null> {
    const [lot] = await this.database.query<{ photo_tokens: number | null }>(
      'select photo_tokens from batch_lots where job_id = $1 and position = $2',
      [jobId, position],
    );
    return lot?.photo_tokens ?? null;
  }

  /** The webhook addresses that lots of the job have themselves, each once. */
  async webhooksOf(sql: Sql, jobId: string): Promise<string[]> {
    const rows = await sql.query<{ webhook: string }>(
      'select distinct webhook from batch_lot_inputs where job_id = $1 and webhook is not null order by webhook',
      [jobId],
    );
    return rows.map(({ webhook }) => webhook);
  }

  /** The ids of those jobs in which some lot has a webhook of its own. */
  async jobsWithWebhooks(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    // One look into the index for each job: a join would read all webhooks of 50,000 lots.
    const rows = await this.database.query<{ id: string }>(
      `select id from unnest($1::uuid[]) as jobs (id) cross join lateral (
         select from batch_lot_inputs where job_id = id and webhook is not null limit 1) as one`,
      [ids],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Whether any lot at all has a webhook of its own; read from the index of such lots. */
  async anyWebhook(): Promise<boolean> {
    return (await this.database.query('select 1 from batch_lot_inputs where webhook is not null limit 1')).length > 0;
  }
}
