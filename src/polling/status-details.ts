import type { ShardStatus } from '../batch/shards/openai-batch.entities.js';
import type { ModelStage } from '../jobs/states.js';
import type { DeliveryStatus } from '../webhook/delivery-states.js';
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

/** What a job's status shows beside the job's own row, as {@link JobStates} reads it. */
export interface StatusDetails {
  /** In the order in which they were submitted, those that have not been last. */
  readonly batches: readonly BatchDetail[];
  readonly usage: UsageEntryDto[];
  readonly deliveries: Readonly<Partial<Record<DeliveryStatus, number>>>;
  /** Whether some lot has a webhook of its own. */
  readonly lotWebhooks: boolean;
}
