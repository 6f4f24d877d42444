import { Injectable } from '@nestjs/common';
import { CommitInDoubtError } from '../common/database-away.js';
import { missingColumns, missingPhotos, type MissingPhoto } from '../common/missing-photo.js';
import { copyRows } from '../database/copy-rows.js';
import type { Sql, Transaction } from '../database/database.service.js';
import type { StoredError } from './batch-job.entity.js';
import {
  LOT_ENDED_SQL,
  LOT_SQL,
  STAGE_STATUS,
  type describedStatus,
  type ModelStage,
  type StoredLotStatus,
} from './states.js';

/** The lots of a shard: those in its range that have its try number (`attempt`). */
export interface ShardLots {
  readonly jobId: string;
  readonly stage: ModelStage;
  readonly first: number;
  readonly last: number;
  readonly attempt: number;
}

/** A lot whose photos are to be checked. */
export interface UncheckedLot {
  readonly position: number;
  /** Each address once. */
  readonly images: readonly string[];
  /** The addresses that are still to be checked. */
  readonly open: readonly string[];
  /** The photos that earlier checks found to be missing for good. */
  readonly missing: readonly MissingPhoto[];
}

/** A lot that waits for the hosts of some of its photos. */
export interface WaitingLot {
  readonly position: number;
  readonly open: readonly string[];
  readonly missing: readonly MissingPhoto[];
}

export interface CheckedLot {
  readonly position: number;
  readonly missing: readonly MissingPhoto[];
  readonly reachable: number;
  /** Input tokens of these photos. */
  readonly photoTokens: number;
}

/** The state of a lot that the transaction has locked. */
export interface LockedLot {
  readonly position: number;
  readonly status: StoredLotStatus;
  readonly attempt: number;
  readonly processed_images: number;
}

export interface DescribedLot {
  readonly position: number;
  readonly status: ReturnType<typeof describedStatus>;
  /** The lot's new try number, for lots that go on to translation. */
  readonly attempt: number;
  readonly renderedBytes: number;
  /** Null: unchanged. */
  readonly missing: readonly MissingPhoto[] | null;
  /** How many photos the model was shown, if that changed. */
  readonly seen?: number;
}

/** A lot that ends without a description. */
export interface FailedLot {
  readonly position: number;
  readonly error: StoredError;
  readonly missingImages: readonly MissingPhoto[];
}

interface UncheckedRow {
  [column: string]: unknown;
  position: number;
  images: string[];
  waiting_images: string[] | null;
  missing_images: string[] | null;
  missing_reasons: string[] | null;
}

/** The SQL that moves lots. Lots are always locked in the order of their positions. */
@Injectable()
export class LotStore {
  /** The next lots from position `from` on whose photos are not checked yet. */
  async unchecked(sql: Sql, lots: ShardLots, from: number, limit: number): Promise<UncheckedLot[]> {
    const rows = await sql.query<UncheckedRow>(
      `select l.position, i.images, l.waiting_images, l.missing_images, l.missing_reasons from batch_lots l
       join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position
       where l.job_id = $1 and l.position between $2 and $3 and l.status = ${LOT_SQL.pending} and l.attempt = $4
       order by l.position limit $5`,
      [lots.jobId, from, lots.last, lots.attempt, limit],
    );
    return rows.map((row) => {
      const images = [...new Set(row.images)];
      const missing = missingPhotos(row.missing_images, row.missing_reasons);
      return { position: row.position, images, open: row.waiting_images ?? images, missing };
    });
  }

  /** @throws CommitInDoubtError while lots of the range are missing, as of a job that was accepted when a server crashed */
  async assertAllThere(sql: Sql, { jobId, first, last }: ShardLots): Promise<void> {
    const [found] = await sql.query<{ lots: number }>(
      'select count(*)::int as lots from batch_lots where job_id = $1 and position between $2 and $3',
      [jobId, first, last],
    );
    if (found?.lots !== last - first + 1) throw new CommitInDoubtError('not all lots of the range are there yet');
  }

  /** Stores which photos of waiting lots are still to be checked. */
  async photosWait(tx: Transaction, jobId: string, lots: readonly WaitingLot[]): Promise<void> {
    if (lots.length === 0) return;
    await tx.execute(
      `update batch_lots l set waiting_images = w.open, missing_images = w.urls, missing_reasons = w.reasons
       from unnest($2::int[], $3::json[], $4::json[], $5::json[]) as w (position, open, urls, reasons)
       where l.job_id = $1 and l.position = w.position and l.status = ${LOT_SQL.pending}`,
      [
        jobId,
        lots.map((lot) => lot.position),
        lots.map((lot) => JSON.stringify(lot.open)),
        lots.map((lot) => missingColumns(lot.missing)?.urls ?? null),
        lots.map((lot) => missingColumns(lot.missing)?.reasons ?? null),
      ],
    );
  }

  /**
   * Locks lots whose photos are not checked yet.
   * @returns their positions; another process may have moved some lots before
   */
  async lockPending(tx: Transaction, jobId: string, positions: readonly number[]): Promise<Set<number>> {
    const rows = await this.lock(tx, jobId, positions);
    return new Set(rows.filter((row) => row.status === 'pending').map((row) => row.position));
  }

  async photosChecked(tx: Transaction, jobId: string, lots: readonly CheckedLot[]): Promise<void> {
    await tx.execute(
      `update batch_lots l set status = ${LOT_SQL.processing}, missing_images = c.urls, missing_reasons = c.reasons, waiting_images = null,
         processed_images = c.reachable, photo_tokens = c.tokens
       from unnest($2::int[], $3::json[], $4::json[], $5::int[], $6::int[]) as c (position, urls, reasons, reachable, tokens)
       where l.job_id = $1 and l.position = c.position`,
      [
        jobId,
        lots.map((lot) => lot.position),
        lots.map((lot) => missingColumns(lot.missing)?.urls ?? null),
        lots.map((lot) => missingColumns(lot.missing)?.reasons ?? null),
        lots.map((lot) => lot.reachable),
        lots.map((lot) => lot.photoTokens),
      ],
    );
  }

  /** Sets the try numbers of lots, which gives them to other shards of their stage. */
  async setTries(tx: Transaction, jobId: string, positions: readonly number[], attempts: readonly number[]) {
    if (positions.length === 0) return;
    await tx.execute(
      `update batch_lots l set attempt = a.attempt from unnest($2::int[], $3::int[]) as a (position, attempt)
       where l.job_id = $1 and l.position = a.position`,
      [jobId, positions, attempts],
    );
  }

  /**
   * Counts that a lot got no answer although OpenAI was there.
   * @returns how often that has happened in the lot's stage
   */
  async countUnanswered(tx: Transaction, jobId: string, position: number): Promise<number> {
    const [row] = await tx.query<{ unanswered: number }>(
      `update batch_lots set unanswered = coalesce(unanswered, 0) + 1 where job_id = $1 and position = $2
       returning unanswered`,
      [jobId, position],
    );
    return row?.unanswered ?? 0;
  }

  async lock(tx: Transaction, jobId: string, positions: readonly number[]): Promise<LockedLot[]> {
    return tx.query<LockedLot & { [column: string]: unknown }>(
      `select position, status, attempt, processed_images from batch_lots where job_id = $1 and position = any($2::int[])
       order by position for update`,
      [jobId, positions],
    );
  }

  /** Locks the lots that are left of a shard. @returns their positions */
  async lockLeft(
    tx: Transaction,
    lots: ShardLots,
    status: StoredLotStatus = STAGE_STATUS[lots.stage],
  ): Promise<number[]> {
    const rows = await tx.query<{ position: number }>(
      `select position from batch_lots
       where job_id = $1 and position between $2 and $3 and attempt = $4 and status = $5
       order by position for update`,
      [lots.jobId, lots.first, lots.last, lots.attempt, status],
    );
    return rows.map((row) => row.position);
  }

  /**
   * Writes failed lots; the caller advances the job's counters in the same transaction.
   * @returns how many lots were changed
   */
  async fail(tx: Transaction, jobId: string, lots: readonly FailedLot[]): Promise<number> {
    return tx.execute(
      `update batch_lots l set status = ${LOT_SQL.failed}, error = f.error, missing_images = f.urls, missing_reasons = f.reasons,
         waiting_images = null, finished_at = now()
       from unnest($2::int[], $3::jsonb[], $4::json[], $5::json[]) as f (position, error, urls, reasons)
       where l.job_id = $1 and l.position = f.position and l.status not in ${LOT_ENDED_SQL}`,
      [
        jobId,
        lots.map((lot) => lot.position),
        lots.map((lot) => JSON.stringify(lot.error)),
        lots.map((lot) => missingColumns(lot.missingImages)?.urls ?? null),
        lots.map((lot) => missingColumns(lot.missingImages)?.reasons ?? null),
      ],
    );
  }

  /**
   * Writes the new states of described lots; the caller holds their locks and has checked their states.
   * @param at - when those end that go on to no other stage
   */
  async described(tx: Transaction, jobId: string, lots: readonly DescribedLot[], at: Date): Promise<void> {
    if (lots.length === 0) return;
    const columns = lots.map(({ missing }) => missing && (missingColumns(missing) ?? NONE_MISSING));
    await tx.execute(
      `update batch_lots l set status = d.status, attempt = d.attempt, rendered_bytes = d.bytes, unanswered = null,
         missing_images = coalesce(d.urls, l.missing_images), missing_reasons = coalesce(d.reasons, l.missing_reasons),
         processed_images = coalesce(d.seen, l.processed_images),
         finished_at = case when d.status = ${LOT_SQL.completed} then $9::timestamptz end
       from unnest($2::int[], $3::text[], $4::int[], $5::int[], $6::json[], $7::json[], $8::int[])
         as d (position, status, attempt, bytes, urls, reasons, seen)
       where l.job_id = $1 and l.position = d.position`,
      [
        jobId,
        lots.map((lot) => lot.position),
        lots.map((lot) => lot.status),
        lots.map((lot) => lot.attempt),
        lots.map((lot) => lot.renderedBytes),
        columns.map((missing) => missing?.urls ?? null),
        columns.map((missing) => missing?.reasons ?? null),
        lots.map(({ seen }) => seen ?? null),
        at,
      ],
    );
  }
}

const LOT_ROWS = 'batch_lots (job_id, position, lot_id)';
/** Table and columns of what was sent with each lot, in the order of the encoded rows of a new job. */
export const LOT_INPUT_ROWS = 'batch_lot_inputs (job_id, position, additional_info, images, webhook)';

/**
 * Writes a new job's lots by COPY. The rows must have the columns named here, in this order.
 * @param tx - the transaction that has inserted the job
 * @param inputs - null when this transaction has written them already
 */
export async function copyLots(
  tx: Transaction,
  lots: AsyncIterable<Buffer>,
  inputs: AsyncIterable<Buffer> | null,
): Promise<void> {
  await copyRows(tx.client, LOT_ROWS, lots);
  if (inputs !== null) await copyRows(tx.client, LOT_INPUT_ROWS, inputs);
}

/** Replaces the missing photos of a lot when a direct call found a way to send all of them. */
const NONE_MISSING = { urls: '[]', reasons: '[]' };
