import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { isEnglish } from '../assessment/languages.js';
import { API_VERSION } from '../common/api-version.js';
import { rfc3339 } from '../common/clock.js';
import { ServiceError, type ErrorCode, ERROR_CODES } from '../common/service-error.js';
import { JOB_LIMIT_MS } from '../jobs/job-limit.js';
import type { CompletedJob, JobRecord } from '../jobs/job-columns.js';
import { JobReader } from '../jobs/job-reader.js';
import { aroundLots, missingPhotosOf, pendingLanguages, renderLot, type LotRecord } from '../jobs/lot-result.js';
import { LotResultReader } from '../jobs/lot-result-reader.js';
import { isTerminal } from '../jobs/states.js';
import { LotError } from '../describe/lot-error.js';
import type { BatchAcceptedAnswerDto, HandedOverAnswerDto, SynchronousAnswerDto } from './generate-descriptions.dto.js';

/** A request for more languages than this, besides English, gets a warning. */
const MANY_LANGUAGES = 5;
/** Retry-After of a 202: seconds after which the client may ask for the job. */
const POLL_HINT_SECONDS = 5;

/** An answer ready to be sent; the body is JSON text. */
export interface Answer {
  readonly status: 200 | 201 | 202;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Where a request sends its webhooks, for its lots and as a whole. A repeat has the same body, so it names the same
 * receivers.
 */
export interface Receivers {
  readonly configured: boolean;
  /** Hosts to which deliveries are failing at the moment. */
  readonly failing: readonly string[];
}

/** What a description's answer says of its job. */
type DescribedJob = Omit<CompletedJob, 'metadataBytes' | 'handedOverAt' | 'webhookUrl' | 'lotWebhooks'>;

const NO_RECEIVERS: Receivers = { configured: false, failing: [] };

/**
 * The answers to POST generate-descriptions, made from the stored job, so that a repeat gets the same answer as the
 * first request.
 */
@Injectable()
export class Answers {
  constructor(
    private readonly jobs: JobReader,
    private readonly lots: LotResultReader,
  ) {}

  /**
   * The job as it stands: a batch's 201, a running synchronous job's 202, a finished one's 200.
   * @param receivers - for a 201: the receivers that the request names
   * @throws ServiceError with the stored code for a synchronous job that failed, JOB_CANCELLED for one that was
   * cancelled
   */
  async ofJob(jobId: string, keyId: string, receivers: Receivers = NO_RECEIVERS): Promise<Answer> {
    const job = await this.jobs.find(jobId, keyId);
    if (job.mode === 'batch') return accepted(job, receivers);
    if (!isTerminal(job.status)) return handedOver(job);
    if (job.status === 'failed') throw await this.failure(job);
    if (job.status === 'cancelled') throw cancelledMeanwhile(job);
    return described(job, await this.lotsOf(job));
  }

  /** The same as {@link ofJob} of a job that was just completed, without reading it. */
  ofCompleted(job: CompletedJob, lot: LotRecord): Answer {
    return described(job, [lot]);
  }

  /** The same error that the process that ended the job would have sent to its client. */
  private async failure(job: JobRecord): Promise<ServiceError> {
    const error = job.error ?? { code: 'INTERNAL_ERROR', message: 'The job failed.' };
    const [lot] = await this.lotsOf(job);
    const failed = LotError.fromStored(error, lot === undefined ? [] : missingPhotosOf(lot));
    if (failed !== undefined) return failed.toServiceError();
    const known = Object.hasOwn(ERROR_CODES, error.code) ? (error.code as ErrorCode) : 'INTERNAL_ERROR';
    return new ServiceError(known, error.message);
  }

  private async lotsOf(job: JobRecord): Promise<LotRecord[]> {
    const lots: LotRecord[] = [];
    for await (const page of this.lots.readPages(job)) lots.push(...page);
    return lots;
  }
}

/** The job was cancelled, so there is no description to send and there will be none. */
function cancelledMeanwhile(job: JobRecord): ServiceError {
  return new ServiceError(
    'JOB_CANCELLED',
    'Another request cancelled the job. Send this request again to start a new job.',
    {
      details: { job_id: job.id },
    },
  );
}

/** Sends an answer; headers set earlier (limits, request id) stay. */
export function sendAnswer(response: Response, answer: Answer): void {
  if (response.destroyed || response.writableEnded) return;
  response.status(answer.status).set(answer.headers).type('application/json').send(answer.body);
}

/** The warnings found when the request was accepted; they are stored with the job. */
function warningsOf(job: Pick<JobRecord, 'options'>): readonly string[] {
  return job.options.warnings ?? [];
}

function languageWarnings(languages: readonly string[], pending: readonly string[]): string[] {
  const others = languages.filter((language) => !isEnglish(language)).length;
  return [
    ...(others > MANY_LANGUAGES ? [`processing ${others} languages may increase response time`] : []),
    ...(pending.length > 0 ? ['translation_time_limit_exceeded'] : []),
  ];
}

/** A synchronous job's description. */
function described(job: DescribedJob, lots: readonly LotRecord[]): Answer {
  const pending = lots.flatMap((lot) => pendingLanguages(lot, job.languages));
  const body: SynchronousAnswerDto = {
    version: API_VERSION,
    job_id: job.id,
    processing_mode: 'synchronous',
    total_lots: 1,
    processed_at: rfc3339(job.completedAt ?? job.updatedAt),
    lots: [],
    warnings: [...languageWarnings(job.languages, pending), ...warningsOf(job)],
    pending_languages: pending,
    ...(Object.keys(job.metadata).length === 0 ? {} : { metadata: job.metadata }),
  };
  // The lots are inserted as text from the one renderer, so that results and webhooks carry the same bytes.
  const [head, tail] = aroundLots(body);
  return { status: 200, headers: {}, body: head + lots.map((lot) => renderLot(lot, job)).join(',') + tail };
}

function handedOver(job: JobRecord): Answer {
  const body: HandedOverAnswerDto = {
    job_id: job.id,
    status: job.status,
    processing_mode: 'synchronous',
    total_lots: job.totalLots,
    created_at: rfc3339(job.createdAt),
    languages: [...job.languages],
    message: 'The work continues; follow the job at the address in Location.',
    warnings: [...warningsOf(job)],
  };
  return {
    status: 202,
    headers: {
      Location: `/api/v1/batch-status/${job.id}`,
      'Retry-After': String(POLL_HINT_SECONDS),
    },
    body: JSON.stringify(body),
  };
}

function accepted(job: JobRecord, receivers: Receivers): Answer {
  const body: BatchAcceptedAnswerDto = {
    job_id: job.id,
    status: job.status === 'pending' ? 'accepted' : job.status,
    created_at: rfc3339(job.createdAt),
    total_lots: job.totalLots,
    lots_count: job.totalLots,
    languages: [...job.languages],
    // The latest time; a batch is usually done much sooner.
    estimated_completion: rfc3339(new Date(job.createdAt.getTime() + JOB_LIMIT_MS)),
    processing_mode: 'batch',
    webhook_configured: receivers.configured,
    estimated_cost_usd: job.estimatedCostUsd,
    warnings: [...receivers.failing.map((host) => `webhook_failing:${host}`), ...warningsOf(job)],
    ...(job.retryOf === null ? {} : { retry_of: job.retryOf }),
  };
  return {
    status: 201,
    headers: { Location: `/api/v1/batch-status/${job.id}` },
    body: JSON.stringify(body),
  };
}
