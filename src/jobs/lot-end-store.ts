import { Injectable } from '@nestjs/common';
import { missingPhotos, type MissingPhoto } from '../common/missing-photo.js';
import type { Sql, Transaction } from '../database/database.service.js';
import { LOT_SQL, LOT_UNDESCRIBED_SQL, type StoredLotStatus } from './states.js';

/** A lot that has no English text yet. */
interface UndescribedLot {
  readonly position: number;
  /** True while its photos are still to be checked. */
  readonly unchecked: boolean;
  readonly missing: readonly MissingPhoto[];
}

/** A lot with the estimated bytes of its rendering and the webhook address that gets it. */
export type LotForReceiver = [position: number, bytes: number, url: string];

interface UndescribedRow {
  [column: string]: unknown;
  position: number;
  status: StoredLotStatus;
  missing_images: string[] | null;
  missing_reasons: string[] | null;
}

/** Reads a job's lots for its end: those that a deadline left unfinished, why lots failed, and where they are sent. */
@Injectable()
export class LotEndStore {
  /** Locks a job's next lots that have no English text yet. */
  async lockUndescribed(tx: Transaction, jobId: string, limit: number): Promise<UndescribedLot[]> {
    const rows = await tx.query<UndescribedRow>(
      `select position, status, missing_images, missing_reasons from batch_lots
       where job_id = $1 and status in ${LOT_UNDESCRIBED_SQL} order by position limit ${limit} for update`,
      [jobId],
    );
    return rows.map(({ position, status, missing_images, missing_reasons }) => ({
      position,
      unchecked: status === 'pending',
      missing: missingPhotos(missing_images, missing_reasons),
    }));
  }

  /** The positions of a job's next lots that have their English text and await other languages. */
  async translating(sql: Sql, jobId: string, limit: number): Promise<number[]> {
    const rows = await sql.query<{ position: number }>(
      `select position from batch_lots where job_id = $1 and status = ${LOT_SQL.translating} order by position limit ${limit}`,
      [jobId],
    );
    return rows.map(({ position }) => position);
  }

  /** The most common error code of a job's failed lots, and how many lots have it. */
  async mostCommonFailure(tx: Transaction, jobId: string): Promise<{ code: string; lots: number } | undefined> {
    const [most] = await tx.query<{ code: string; lots: number }>(
      `select error->>'code' as code, count(*)::int as lots from batch_lots
       where job_id = $1 and status = ${LOT_SQL.failed} and error is not null group by 1 order by 2 desc, 1 limit 1`,
      [jobId],
    );
    return most;
  }

  /**
   * The next lots after a position that have a webhook address, their own or else the job's. Failed and cancelled lots
   * are not rendered yet, so their size is estimated. What was sent of the lots is read only if some have an address.
   */
  async forReceivers(
    tx: Transaction,
    job: { readonly jobId: string; readonly webhookUrl: string | null; readonly lotWebhooks: boolean },
    after: number,
    limit: number,
  ): Promise<LotForReceiver[]> {
    if (!job.lotWebhooks && job.webhookUrl === null) return [];
    const own = job.lotWebhooks
      ? {
          url: 'coalesce(i.webhook, $2::text)',
          join: 'left join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position and i.webhook is not null',
        }
      : { url: '$2::text', join: '' };
    return tx.rows<LotForReceiver>(
      `select l.position,
          1 + case when l.rendered_bytes > 0 then l.rendered_bytes
                   else 300 + 2 * octet_length(l.lot_id) + 2 * coalesce(octet_length(l.missing_images::text), 0)
                        + 3 * coalesce(octet_length(l.missing_reasons::text), 0)
                        + coalesce(octet_length(l.error::text), 0) end,
          ${own.url}
        from batch_lots l ${own.join}
        where l.job_id = $1 and l.position > $3 and ${own.url} is not null
        order by l.position limit ${limit}`,
      [job.jobId, job.webhookUrl, after],
    );
  }
}
