import type { JobOptions, StoredError } from './batch-job.entity.js';
import type { FailureCounters } from './job-failures.js';
import type { JobMode, JobStage, JobStatus, TerminalStatus } from './states.js';

/** A job's row in the form that readers need. */
export interface JobRecord {
  /** In lower case, also if the client wrote it in upper case. */
  readonly id: string;
  readonly keyId: string;
  readonly mode: JobMode;
  readonly status: JobStatus;
  readonly stage: JobStage;
  /** As sent and in the order of the request. */
  readonly languages: readonly string[];
  readonly webhookUrl: string | null;
  /** Whether some lot has a webhook of its own. */
  readonly lotWebhooks: boolean;
  readonly options: JobOptions;
  readonly metadata: Readonly<Record<string, string>>;
  /** The job whose lots this one tries once more; null for a job that a client sent lots for. */
  readonly retryOf: string | null;
  readonly totalLots: number;
  readonly processedLots: number;
  readonly failedLots: number;
  readonly awaitingImages: number;
  readonly awaitingVision: number;
  readonly awaitingTranslation: number;
  readonly processedImages: number;
  /** In USD. */
  readonly costUsd: number;
  readonly estimatedCostUsd: number | null;
  readonly pausedByClient: boolean;
  readonly pausedByOperator: boolean;
  /** Since when it is paused by anybody; null: it runs, or has ended. */
  readonly pausedAt: Date | null;
  /** Milliseconds that its earlier pauses took together. */
  readonly pausedMs: number;
  readonly error: StoredError | null;
  /** Its failed lots by code; raised in the transactions that raise `failedLots`. */
  readonly failures: FailureCounters;
  /** The revision of its lots' rows that is shown. */
  readonly revision: number;
  /** False for jobs from before lots said whether they need a review. */
  readonly showsReview: boolean;
  /** Rises with each change of this row that the status shows. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly startedAt: Date | null;
  readonly handedOverAt: Date | null;
  readonly completedAt: Date | null;
  readonly cancelledAt: Date | null;
}

/** Further columns that are read but never shown to clients. */
interface JobRow extends JobRecord {
  readonly secretFingerprint: string;
}

/** The SQL that reads each member from a job's row. */
const COLUMNS = {
  id: 'id',
  keyId: 'key_id',
  secretFingerprint: 'secret_fingerprint',
  mode: 'mode',
  status: 'status',
  stage: 'stage',
  languages: 'languages',
  webhookUrl: 'webhook_url',
  lotWebhooks: 'lot_webhooks',
  options: 'options',
  metadata: 'metadata',
  retryOf: 'retry_of',
  totalLots: 'total_lots',
  processedLots: 'processed_lots',
  failedLots: 'failed_lots',
  awaitingImages: 'awaiting_images',
  awaitingVision: 'awaiting_vision',
  awaitingTranslation: 'awaiting_translation',
  processedImages: 'processed_images::float8',
  costUsd: 'cost_usd::float8',
  estimatedCostUsd: 'estimated_cost_usd::float8',
  pausedByClient: 'paused_by_client',
  pausedByOperator: '(operator_pause_reason is not null)',
  pausedAt: 'paused_at',
  pausedMs: 'paused_ms::float8',
  error: 'error',
  failures: 'failures',
  revision: 'revision',
  showsReview: 'shows_review',
  version: 'version',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  startedAt: 'started_at',
  handedOverAt: 'handed_over_at',
  completedAt: 'completed_at',
  cancelledAt: 'cancelled_at',
} as const satisfies Record<keyof JobRow, string>;

const ENDED = [
  'id',
  'keyId',
  'secretFingerprint',
  'status',
  'languages',
  'webhookUrl',
  'options',
  'metadata',
  'error',
  'showsReview',
  'retryOf',
  'totalLots',
  'processedLots',
  'failedLots',
  'completedAt',
  'cancelledAt',
] as const satisfies readonly (keyof JobRow)[];
const SHARD = [
  'id',
  'status',
  'languages',
  'options',
  'createdAt',
  'pausedAt',
  'pausedMs',
  'costUsd',
] as const satisfies readonly (keyof JobRow)[];
const RUNNING = [
  'id',
  'keyId',
  'webhookUrl',
  'lotWebhooks',
  'metadata',
  'status',
  'stage',
  'retryOf',
  'totalLots',
  'processedLots',
  'failedLots',
  'pausedAt',
] as const satisfies readonly (keyof JobRow)[];
const COMPLETED = [
  'id',
  'keyId',
  'status',
  'languages',
  'webhookUrl',
  'lotWebhooks',
  'options',
  'metadata',
  'showsReview',
  'updatedAt',
  'handedOverAt',
  'completedAt',
] as const satisfies readonly (keyof JobRow)[];

/** What webhooks say about a job that has ended. */
export type EndedJob = Pick<JobRow, (typeof ENDED)[number]> & { readonly status: TerminalStatus };
/** What a stage needs to know about a shard's job. */
export type ShardJob = Pick<JobRow, (typeof SHARD)[number]>;
/** What webhooks say about a running job's progress. */
export type RunningJob = Pick<JobRow, (typeof RUNNING)[number]>;
/** A synchronous job with its description, as its answer and its webhooks need it. */
export type CompletedJob = Pick<JobRow, (typeof COMPLETED)[number]> & { readonly metadataBytes: number };

/** As PostgreSQL writes it: what a webhook's body needs at most. */
export const METADATA_BYTES = 'octet_length(metadata::text) as "metadataBytes"';

function select(members: readonly (keyof JobRow)[]): string {
  return members.map((member) => `${COLUMNS[member]} as "${member}"`).join(', ');
}

/** The columns of a job's row, named like the members of a {@link JobRecord}. */
export const JOB_COLUMNS = select(
  (Object.keys(COLUMNS) as (keyof JobRow)[]).filter((member) => member !== 'secretFingerprint'),
);
export const ENDED_COLUMNS = select(ENDED);
export const SHARD_COLUMNS = select(SHARD);
export const RUNNING_COLUMNS = select(RUNNING);
export const COMPLETED_COLUMNS = `${select(COMPLETED)}, ${METADATA_BYTES}`;
