import { Injectable } from '@nestjs/common';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import type { ShardLots } from './lot-store.js';
import { isEnglishSource } from './result-store.js';
import { LOT_SQL, UNFINISHED_SQL, type ModelStage } from './states.js';

/** What a job has spent, and what calls hold whose cost is not known yet. */
export interface Spending {
  readonly costUsd: number;
  readonly reservedUsd: number;
  readonly awaitingTranslation: number;
}

type LotRange = Pick<ShardLots, 'jobId' | 'first' | 'last' | 'attempt'>;

/** What other shards of a job have under way. */
export interface UnderWay {
  /** Some of it holds money that it may give back. */
  readonly holds: boolean;
  /** Lots in batches, by stage. */
  readonly vision: number;
  readonly translation: number;
}

/**
 * The money of jobs with max_cost_usd. Whoever sends something first holds its worst cost in the job's row, under that
 * row's lock, so that processes side by side never hold more than the limit together; what a dead process held stays held,
 * because nobody knows what became of its calls.
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

  /** Adds to what is held, or takes from it; never below nothing, should rounding have left less. */
  async hold(sql: Sql, jobId: string, usd: number): Promise<void> {
    await sql.execute(
      'update batch_jobs set reserved_usd = greatest(0, reserved_usd + $2::numeric(16,8)) where id = $1',
      [jobId, usd.toFixed(8)],
    );
  }

  /** Holds or gives back for a call of a claimed shard, whose row says how much is its own. */
  async holdForShard(tx: Transaction, shard: readonly unknown[], jobId: string, usd: number): Promise<void> {
    await tx.execute(
      `update openai_batches set reserved_usd = greatest(0, reserved_usd + $5::numeric(16,8))
       where job_id = $1 and stage = $2 and first_position = $3 and attempt = $4`,
      [...shard, usd.toFixed(8)],
    );
    await this.hold(tx, jobId, usd);
  }

  /** Takes from what a shard will give back, and leaves it held by the job. */
  async keep(sql: Sql, shard: readonly unknown[], usd: number): Promise<void> {
    await sql.execute(
      `update openai_batches set reserved_usd = greatest(0, reserved_usd - $5::numeric(16,8))
       where job_id = $1 and stage = $2 and first_position = $3 and attempt = $4`,
      [...shard, usd.toFixed(8)],
    );
  }

  /** What a claimed shard holds by its row, which its own calls change while they run. */
  async heldByShard(sql: Sql, shard: readonly unknown[]): Promise<number> {
    const [row] = await sql.query<{ reserved: number }>(
      `select reserved_usd::float8 as reserved from openai_batches
       where job_id = $1 and stage = $2 and first_position = $3 and attempt = $4`,
      shard,
    );
    return row?.reserved ?? 0;
  }

  /** Output tokens that a call of this stage of the job took on average; 0 while none is known. */
  async meanOutput(sql: Sql, jobId: string, stage: ModelStage): Promise<number> {
    const [row] = await sql.query<{ mean: number | null }>(
      `select (sum(output_tokens) / nullif(sum(calls), 0))::float8 as mean from job_usage where job_id = $1 and stage = $2`,
      [jobId, stage],
    );
    return row?.mean ?? 0;
  }

  /** @param shard - the key of the one that asks, which is left out */
  async underWay(sql: Sql, shard: readonly unknown[]): Promise<UnderWay> {
    const [row] = await sql.query<{ holds: boolean | null; vision: number; translation: number }>(
      `select bool_or(reserved_usd > 0) as holds,
         coalesce(sum(request_total) filter (where stage = 'vision' and reserved_usd > 0), 0)::int as vision,
         coalesce(sum(request_total) filter (where stage = 'translation' and reserved_usd > 0), 0)::int as translation
       from openai_batches where job_id = $1 and status not in ('done', 'cancelled')
         and (stage, first_position, attempt) is distinct from ($2, $3::int, $4::smallint)`,
      shard,
    );
    return { holds: row?.holds === true, vision: row?.vision ?? 0, translation: row?.translation ?? 0 };
  }

  /** A shard's next lots in the order of their positions, by what the worst cost of their calls depends on. */
  async visionLots(lots: LotRange, limit: number): Promise<[position: number, photos: number, info: number][]> {
    return this.database.rows<[number, number, number]>(
      `select l.position, l.processed_images, coalesce(char_length(i.additional_info), 0)
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
