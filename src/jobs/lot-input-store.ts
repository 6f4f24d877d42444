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
}
