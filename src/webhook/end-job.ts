import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import type { Transaction } from '../database/database.service.js';
import type { StoredError } from '../jobs/batch-job.entity.js';
import { UNFINISHED_SQL, type JobMode, type TerminalStatus } from '../jobs/states.js';
import { DeliveryOutbox } from './delivery-outbox.js';
import { PartPacker, type LotPart } from './part-packer.js';

export interface EndJobOptions {
  /** Why the job as a whole failed; shown as `error_message`. Without it a failed job names what most of its lots failed with. */
  readonly error?: StoredError;
}

/** Lots read at once: bounds the memory of a job of any size. */
const PAGE_LOTS = 10_000;
/** What surrounds the lots in a body, without metadata (measured: 620 bytes) and with room for longer numbers. */
const ENVELOPE_BYTES = 1024;

interface EndingJob {
  readonly key_id: string;
  readonly mode: JobMode;
  readonly handed_over_at: Date | null;
  readonly webhook_url: string | null;
  readonly metadata_bytes: number;
}

type SizedLot = [position: number, bytes: number, url: string];

/** The only way a job ends: its last state and its deliveries in one transaction, so that neither exists without the other. */
@Injectable()
export class JobEnder {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly outbox: DeliveryOutbox,
  ) {}

  /**
   * Ends a job and queues its webhooks: for each address (a lot's own wins over the job's) that address's lots in parts.
   * The job's counts must already be right in this transaction. Call `DeliveryHints.wake()` after the commit.
   * A synchronous job that was never handed over gets no webhooks: its answer was the 200.
   * @returns false when the job had ended before (or does not exist); nothing was changed then, and the caller rolls back
   */
  async endJob(tx: Transaction, jobId: string, status: TerminalStatus, options: EndJobOptions = {}): Promise<boolean> {
    const now = this.clock.date();
    const error = options.error ?? (status === 'failed' ? await mostCommonFailure(tx, jobId) : undefined);
    const [job] = await tx.query<EndingJob>(
      `update batch_jobs set status = $2, stage = 'done', error = coalesce($3::jsonb, error), version = version + 1,
         completed_at = case when $2 = 'cancelled' then completed_at else $4 end,
         cancelled_at = case when $2 = 'cancelled' then $4 else cancelled_at end,
         updated_at = $4, locked_until = null, lock_token = null
       where id = $1 and status in ${UNFINISHED_SQL}
       returning key_id, mode, handed_over_at, webhook_url, octet_length(metadata::text) as metadata_bytes`,
      [jobId, status, error === undefined ? null : JSON.stringify(error), now],
    );
    if (job === undefined) return false;
    if (job.mode === 'sync' && job.handed_over_at === null) return true;
    await this.outbox.supersedeProgress(tx, jobId);
    const parts = await this.packLots(tx, jobId, job);
    await this.outbox.insertParts(tx, { jobId, keyId: job.key_id, event: `batch_job_${status}`, now }, parts);
    return true;
  }

  private async packLots(tx: Transaction, jobId: string, job: EndingJob): Promise<LotPart[]> {
    const { partLots, partBytes } = this.config.webhook;
    const bytes = Math.max(partBytes - ENVELOPE_BYTES - job.metadata_bytes, partBytes / 2);
    const packer = new PartPacker({ lots: partLots, bytes });
    for (let after = -1; ;) {
      // Rows as arrays on the bare client: 50,000 of them are read in 0.2 s, and nothing is kept of a page.
      // Failed and cancelled lots have no rendered text yet; their size is what will be written of them.
      const { rows } = await tx.client.query<SizedLot>({
        rowMode: 'array',
        text: `select l.position,
            1 + case when l.rendered_bytes > 0 then l.rendered_bytes
                     else 256 + 2 * octet_length(l.lot_id) + 2 * coalesce(octet_length(l.missing_images::text), 0)
                          + 3 * coalesce(octet_length(l.missing_reasons::text), 0)
                          + coalesce(octet_length(l.error::text), 0) end,
            coalesce(i.webhook, $2)
          from batch_lots l
          left join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position and i.webhook is not null
          where l.job_id = $1 and l.position > $3 and coalesce(i.webhook, $2) is not null
          order by l.position limit ${PAGE_LOTS}`,
        values: [jobId, job.webhook_url, after],
      });
      for (const [position, size, url] of rows) packer.add(url, position, size);
      if (rows.length < PAGE_LOTS) return packer.parts();
      after = (rows[rows.length - 1] as SizedLot)[0];
    }
  }
}

/** A job fails when none of its lots could be described: each says why, and clients ask the job first. */
async function mostCommonFailure(tx: Transaction, jobId: string): Promise<StoredError | undefined> {
  const [most] = await tx.query<{ code: string; lots: number }>(
    `select error->>'code' as code, count(*)::int as lots from batch_lots
     where job_id = $1 and status = 'failed' and error is not null group by 1 order by 2 desc, 1 limit 1`,
    [jobId],
  );
  if (most === undefined) return undefined;
  const message = `None of the lots could be described; ${most.lots} failed with ${most.code}. Each lot in the results says why.`;
  return { code: most.code, message };
}
