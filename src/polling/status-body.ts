import { rfc3339 } from '../common/clock.js';
import { failuresByCode } from '../jobs/job-failures.js';
import { completionPercentage, lotsByStage } from '../jobs/job-progress.js';
import type { JobRecord } from '../jobs/job-columns.js';
import { pauseOf } from './pause-body.js';
import type { StatusDetails } from './status-details.js';
import { workPercentage } from './work-percentage.js';
import { processingMode, type JobStatusDto, type ProgressDto } from './status.dto.js';

/** A job's progress as status, results and list show it. */
export function progressOf(job: JobRecord, estimate: Date | null): ProgressDto {
  return {
    total_lots: job.totalLots,
    processed_lots: job.processedLots,
    failed_lots: job.failedLots,
    completion_percentage: completionPercentage(job),
    estimated_completion: timeOrNull(estimate),
  };
}

/** Where a job stands and since when, as status and list begin. */
export function stateOf(job: JobRecord) {
  return {
    job_id: job.id,
    status: job.status,
    processing_mode: processingMode(job.mode),
    created_at: rfc3339(job.createdAt),
    updated_at: rfc3339(job.updatedAt),
    completed_at: timeOrNull(job.completedAt),
    cancelled_at: timeOrNull(job.cancelledAt),
    ...pauseOf(job),
  } satisfies Partial<JobStatusDto>;
}

/**
 * The whole status. Apart from the estimate it depends only on what is stored, so the same tag always has the same
 * text.
 */
export function statusBody(job: JobRecord, details: StatusDetails, estimate: Date | null): JobStatusDto {
  return {
    ...stateOf(job),
    progress: Object.assign(progressOf(job, estimate), { work_percentage: workPercentage(job, details.batches) }),
    languages: [...job.languages],
    processing_details: {
      openai_vision_batch_id: latestBatch(details, 'vision'),
      openai_translation_batch_id: latestBatch(details, 'translation'),
      current_stage: job.stage,
    },
    stages: lotsByStage(job),
    openai_batches: details.batches.map((batch) => ({
      stage: batch.stage,
      batch_id: batch.batch_id,
      status: batch.status,
      openai_status: batch.upstream_status,
      model: batch.model,
      attempt: batch.attempt,
      lots: batch.last_position - batch.first_position + 1,
      request_counts: {
        total: batch.request_total,
        completed: batch.request_completed,
        failed: batch.request_failed,
      },
      reason: batch.reason,
      submitted_at: textTimeOrNull(batch.submitted_at),
      finished_at: textTimeOrNull(batch.finished_at),
    })),
    usage: { cost_usd: job.costUsd, estimated_cost_usd: job.estimatedCostUsd, by_stage: details.usage },
    error_message: job.error?.message ?? null,
    error_code: job.error?.code ?? null,
    errors: failuresByCode(job).map(({ code, lots, first, last }) => ({
      code,
      lots,
      first: rfc3339(first),
      last: rfc3339(last),
    })),
    webhook_configured: namesWebhook(job),
    webhooks: { pending: 0, in_flight: 0, delivered: 0, failed: 0, superseded: 0, ...details.deliveries },
    metadata: { ...job.metadata },
    retry_of: job.retryOf,
    retried_by: [...details.retries],
  };
}

/** Whether the job or some lot of it has a webhook. */
export function namesWebhook({ webhookUrl, lotWebhooks }: Pick<JobRecord, 'webhookUrl' | 'lotWebhooks'>): boolean {
  return webhookUrl !== null || lotWebhooks;
}

export function timeOrNull(date: Date | null): string | null {
  return date === null ? null : rfc3339(date);
}

function textTimeOrNull(time: string | null): string | null {
  return time === null ? null : rfc3339(new Date(time));
}

/** Details come in the order in which batches were submitted. */
function latestBatch(details: StatusDetails, stage: 'vision' | 'translation'): string | null {
  return details.batches.findLast((batch) => batch.stage === stage && batch.batch_id !== null)?.batch_id ?? null;
}
