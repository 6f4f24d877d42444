import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import type { ShardStatus } from '../jobs/openai-batch.entities.js';
import type { ModelStage } from '../jobs/states.js';
import type { DeliveryStatus } from '../webhook/webhook.entities.js';
import type { UsageEntryDto } from './status.dto.js';

/** A row of openai_batches as the status shows it; times are JSON texts of PostgreSQL's. */
export interface BatchDetail {
  readonly stage: ModelStage;
  readonly first_position: number;
  readonly last_position: number;
  readonly attempt: number;
  readonly model: string;
  readonly status: ShardStatus;
  readonly batch_id: string | null;
  readonly upstream_status: string | null;
  readonly request_total: number;
  readonly request_completed: number;
  readonly request_failed: number;
  readonly reason: string | null;
  readonly submitted_at: string | null;
  readonly finished_at: string | null;
}

/** What a job's status shows beside the job's own row. */
export interface StatusDetails {
  /** In the order in which they were submitted, those that have not been last. */
  readonly batches: readonly BatchDetail[];
  readonly usage: UsageEntryDto[];
  readonly deliveries: Readonly<Partial<Record<DeliveryStatus, number>>>;
  /** Whether some lot has a webhook of its own. */
  readonly lotWebhooks: boolean;
}

const MAX_REMEMBERED = 10_000;

/** Reads what a status shows of a job's shards, usage and deliveries: one statement, every part by an index on the job. */
@Injectable()
export class StatusDetailsReader {
  // Never changes after intake, and not finding one means to read all 50,000 wide rows.
  private readonly lotWebhooks = new Map<string, boolean>();

  constructor(private readonly database: Database) {}

  async read(jobId: string): Promise<StatusDetails> {
    const known = this.lotWebhooks.get(jobId);
    const [row] = await this.database.query<StatusDetails>(
      `select
         (select coalesce(json_agg(b order by b.submitted_at, b.first_position, b.attempt), '[]') from (
            select stage, first_position, last_position, attempt, model, status, batch_id, upstream_status,
              request_total, request_completed, request_failed, reason, submitted_at, finished_at
            from openai_batches where job_id = $1) b) as batches,
         (select coalesce(json_agg(u order by u.stage desc, u.model), '[]') from (
            select stage, model, calls, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, cost_usd
            from job_usage where job_id = $1) u) as usage,
         (select coalesce(json_object_agg(d.status, d.n), '{}') from (
            select status, count(*) as n from webhook_deliveries where job_id = $1 group by status) d) as deliveries,
         case when $2::boolean is null
           then exists (select 1 from batch_lot_inputs where job_id = $1 and webhook is not null)
           else $2 end as "lotWebhooks"`,
      [jobId, known ?? null],
    );
    const details = row as StatusDetails;
    if (known === undefined) this.remember(jobId, details.lotWebhooks);
    return details;
  }

  private remember(jobId: string, lotWebhooks: boolean): void {
    this.lotWebhooks.set(jobId, lotWebhooks);
    const oldest = this.lotWebhooks.keys().next();
    if (this.lotWebhooks.size > MAX_REMEMBERED && oldest.done !== true) this.lotWebhooks.delete(oldest.value);
  }
}
