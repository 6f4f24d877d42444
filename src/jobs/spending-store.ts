import { Injectable } from '@nestjs/common';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import type { ShardLots } from './lot-store.js';
import { isEnglishSource } from './result-store.js';
import { LOT_SQL, UNFINISHED_SQL, type ModelStage } from './states.js';

/** What a job has spent, and what is held for calls whose cost is not known yet; in USD. */
export interface Spending {
  readonly costUsd: number;
  readonly reservedUsd: number;
  readonly awaitingTranslation: number;
}

type VisionLot = [position: number, photos: number, info: number, photoTokens: number | null];
type LotRange = Pick<ShardLots, 'jobId' | 'first' | 'last' | 'attempt'>;

/**
 * The money of jobs with max_cost_usd. Before a call is sent, its worst cost is held in the job's row, under that row's
 * lock, so that several processes together never hold more than the limit. What a dead process held stays held, because
 * the outcome of its calls is unknown.
 */
@Injectable()
export class SpendingStore {
  constructor(private readonly database: Database) {}

  /** Locks the job's row until the transaction ends. @returns undefined when the job has ended */
  async lock(tx: Transaction, jobId: string): Promise<Spending | undefined> {
    const [row] = await tx.query<{ cost: number; reserved: number; awaiting: number }>(
      `select cost_usd::float8 as cost, reserved_usd::float8 as reserved, awaiting_translation as awaiting
       from batch_jobs where id = $1 and status in ${UNFINISHED_SQL} for update`,
      [jobId],
    );
    return row && { costUsd: row.cost, reservedUsd: row.reserved, awaitingTranslation: row.awaiting };
  }

  /** Adds `usd` (which may be negative) to what is held; never below zero, even after rounding. */
  async hold(sql: Sql, jobId: string, usd: number): Promise<void> {
    await sql.execute(
      'update batch_jobs set reserved_usd = greatest(0, reserved_usd + $2::numeric(16,8)) where id = $1',
      [jobId, usd.toFixed(8)],
    );
  }

  /** The mean output tokens of the job's calls in this stage; 0 while there are none. */
  async meanOutput(sql: Sql, jobId: string, stage: ModelStage): Promise<number> {
    const [row] = await sql.query<{ mean: number | null }>(
      `select (sum(output_tokens) / nullif(sum(calls), 0))::float8 as mean from job_usage where job_id = $1 and stage = $2`,
      [jobId, stage],
    );
    return row?.mean ?? 0;
  }

  /** A shard's next lots in the order of positions, with the figures on which the worst cost of their calls depends. */
  async visionLots(lots: LotRange, limit: number): Promise<VisionLot[]> {
    return this.database.rows<VisionLot>(
      `select l.position, l.processed_images, coalesce(char_length(i.additional_info), 0), l.photo_tokens
        from batch_lots l join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position
        where l.job_id = $1 and l.position between $2 and $3 and l.attempt = $4 and l.status = ${LOT_SQL.processing}
        order by l.position limit $5`,
      [lots.jobId, lots.first, lots.last, lots.attempt, limit],
    );
  }

  async translationLots(lots: LotRange, limit: number): Promise<[position: number, strings: string][]> {
    return this.database.rows<[number, string]>(
      `select l.position, r.strings::text
        from batch_lots l join batch_results r
          on r.job_id = l.job_id and r.position = l.position and ${isEnglishSource('r')}
        where l.job_id = $1 and l.position between $2 and $3 and l.attempt = $4 and l.status = ${LOT_SQL.translating}
        order by l.position limit $5`,
      [lots.jobId, lots.first, lots.last, lots.attempt, limit],
    );
  }
}
