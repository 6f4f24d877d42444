import type { ShardDetail } from '../batch/shards/job-shard-store.js';
import type { DeliveryStatus } from '../webhook/delivery-states.js';
import type { UsageEntryDto } from './status.dto.js';

/** What a job's status shows besides the job's own row, as {@link JobStatusStore} reads it. */
export interface StatusDetails {
  /** In the order in which they were submitted; those not submitted yet come last. */
  readonly batches: readonly ShardDetail[];
  readonly usage: UsageEntryDto[];
  readonly deliveries: Readonly<Partial<Record<DeliveryStatus, number>>>;
  /** The ids of the jobs that are retries of this one, the latest first. */
  readonly retries: readonly string[];
}
