// What `--json` prints. Members are only ever added. Times are RFC 3339 in UTC, ages are whole seconds.
import { rfc3339 } from '../common/clock.js';
import type { ListedWorker } from '../health/worker-reader.js';
import type { ListedModel, QueuedShards } from '../batch/shards/queue-overview-reader.js';
import type { FailedByCode, FailedLot, ListedJob } from '../jobs/job-overview-reader.js';
import type { SummedUsage } from '../jobs/key-usage-store.js';
import type { ListedReceiver } from '../webhook/receiver-overview-reader.js';
import type { RecordedAct } from './operator-act-store.js';

const time = (date: Date | null) => (date === null ? null : rfc3339(date));

/** @param now - milliseconds since 1970 */
export function ageSeconds(date: Date, now: number): number {
  return Math.max(0, Math.round((now - date.getTime()) / 1000));
}

export type WorkerRow = ReturnType<typeof workerRow>;
export function workerRow(worker: ListedWorker) {
  return {
    id: worker.id,
    role: worker.role,
    started_at: rfc3339(worker.startedAt),
    beat_at: rfc3339(worker.beatAt),
    beat_age_seconds: Math.round(worker.beatAgeSeconds),
    alive: worker.alive,
  };
}

export type JobRow = ReturnType<typeof jobRow>;
export function jobRow(job: ListedJob, now: number) {
  return {
    job_id: job.id,
    key: job.keyId,
    mode: job.mode,
    status: job.status,
    stage: job.stage,
    total_lots: job.totalLots,
    processed_lots: job.processedLots,
    failed_lots: job.failedLots,
    cost_usd: job.costUsd,
    paused_by: [
      ...(job.pausedByClient ? (['client'] as const) : []),
      ...(job.operatorPauseReason === null ? [] : (['operator'] as const)),
    ],
    paused_at: time(job.pausedAt),
    operator_pause_reason: job.operatorPauseReason,
    retry_of: job.retryOf,
    created_at: rfc3339(job.createdAt),
    updated_at: rfc3339(job.updatedAt),
    age_seconds: ageSeconds(job.createdAt, now),
  };
}

export type FailureRow = ReturnType<typeof failureRow>;
export function failureRow({ code, lots, jobs, first, last }: FailedByCode) {
  return { code, lots, jobs, first: rfc3339(first), last: rfc3339(last) };
}

export type FailedLotRow = ReturnType<typeof failedLotRow>;
export function failedLotRow({ lotId, code, message, finishedAt }: FailedLot) {
  return { lot_id: lotId, code, message, failed_at: time(finishedAt) };
}

export type ReceiverRow = ReturnType<typeof receiverRow>;
export function receiverRow(receiver: ListedReceiver) {
  return {
    key: receiver.keyId,
    origin: receiver.origin,
    circuit: receiver.openedAt === null ? ('closed' as const) : ('open' as const),
    open_since: time(receiver.openedAt),
    next_probe_at: time(receiver.nextProbeAt),
    failures_in_a_row: receiver.failuresInARow,
    pending: receiver.pending,
    given_up: receiver.givenUp,
    last_success_at: time(receiver.lastSuccessAt),
    last_failure_at: time(receiver.lastFailureAt),
    last_error: receiver.lastError,
  };
}

export type ShardRow = ReturnType<typeof shardRow>;
export function shardRow(shards: QueuedShards, now: number) {
  return {
    stage: shards.stage,
    model: shards.model,
    status: shards.status,
    reason: shards.reason,
    shards: shards.shards,
    lots: shards.lots,
    oldest_seconds: ageSeconds(shards.oldest, now),
    next_check_at: rfc3339(shards.nextCheckAt),
  };
}

export type ModelRow = ReturnType<typeof modelRow>;
export function modelRow(model: ListedModel) {
  return {
    model: model.model,
    paused_until: time(model.pausedUntil),
    reason: model.reason,
    token_limit: model.tokenLimit,
    enqueued_tokens: model.enqueuedTokens,
    batches: model.batches,
  };
}

export type UsageRow = ReturnType<typeof usageRow>;
export function usageRow(row: SummedUsage) {
  return {
    name: row.name,
    lots: row.lots,
    input_tokens: row.inputTokens,
    cached_tokens: row.cachedInputTokens,
    output_tokens: row.outputTokens,
    cost_usd: row.costUsd,
  };
}

export type ActRow = ReturnType<typeof actRow>;
export function actRow(act: RecordedAct) {
  return {
    id: act.id,
    begun_at: rfc3339(act.begunAt),
    ended_at: time(act.endedAt),
    by: act.operator,
    act: act.act,
    job_id: act.jobId,
    arguments: act.arguments,
    reason: act.reason,
    result: act.result,
  };
}
