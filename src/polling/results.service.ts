import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { retryAfterSeconds } from '../jobs/job-progress.js';
import type { JobRecord } from '../jobs/job-columns.js';
import { JobReader } from '../jobs/job-reader.js';
import { LotResultReader, type LotSelection } from '../jobs/lot-result-reader.js';
import type { LotRecord } from '../jobs/lot-result.js';
import { isTerminal } from '../jobs/states.js';
import { unknownLots } from '../jobs/unknown-lots.js';
import { CompletionEstimates } from './completion-estimates.js';
import { legacyLayout } from './legacy-results.js';
import { resultsBytes, resultsLayout, type ResultsFormat, type ResultsLayout } from './results-text.js';
import type { JobRunningDto } from './results.dto.js';
import { progressOf } from './status-body.js';

export interface ResultsRequest {
  readonly jobId: string;
  /** null for an unsigned read that the settings allow. */
  readonly keyId: string | null;
  readonly format: ResultsFormat;
  /** True: what has ended so far. */
  readonly partial: boolean;
  /** Only these lots. */
  readonly lotIds: readonly string[] | undefined;
}

export type ResultsAnswer =
  | { readonly kind: 'running'; readonly body: JobRunningDto; readonly retryAfterSeconds: number }
  | {
      readonly kind: 'results';
      readonly jobId: string;
      readonly contentType: string;
      /** The first chunk has already been read, so that a failure at the start is still answered as an error. */
      readonly chunks: AsyncGenerator<Buffer, void, undefined>;
    };

/** A job's results as a stream, whatever its size. */
@Injectable()
export class ResultsService {
  constructor(
    private readonly jobs: JobReader,
    private readonly lots: LotResultReader,
    private readonly estimates: CompletionEstimates,
    private readonly clock: Clock,
  ) {}

  /** @throws ServiceError JOB_NOT_FOUND, LOT_NOT_FOUND */
  async open(request: ResultsRequest): Promise<ResultsAnswer> {
    const job = await this.jobs.find(request.jobId, request.keyId);
    const ended = isTerminal(job.status);
    const chosen = request.lotIds === undefined ? undefined : await this.findLots(job, request.lotIds);
    if (!ended && !request.partial) return this.running(job);
    const pages = this.lots.readPages(job, chosen ?? { onlyFinished: !ended });
    const expected = chosen?.lotIds.length ?? (ended ? job.totalLots : null);
    return stream(job, resultsLayout(request.format, job), pages, expected);
  }

  /**
   * An ended job in the form of the older service.
   * @param statusText - its status as JSON text
   * @throws ServiceError JOB_NOT_FOUND
   */
  async openLegacy(jobId: string, keyId: string | null, statusText: string): Promise<ResultsAnswer> {
    const job = await this.jobs.find(jobId, keyId);
    return stream(job, legacyLayout(job, statusText), this.lots.readPages(job, { withSource: true }), job.totalLots);
  }

  /**
   * @throws ServiceError LOT_NOT_FOUND when one of them is not in the job, because a part of what was asked for would
   *   look complete
   */
  private async findLots(job: JobRecord, asked: readonly string[]): Promise<LotSelection & { lotIds: string[] }> {
    // PostgreSQL refuses U+0000, and no lot_id can contain it.
    const positions = await this.lots.positions(
      job,
      asked.filter((lotId) => !lotId.includes('\u0000')),
    );
    const missing = asked.filter((lotId) => !positions.has(lotId));
    if (missing.length === 0) {
      const places = [...positions.values()];
      return { lotIds: [...positions.keys()], from: Math.min(...places), to: Math.max(...places) };
    }
    throw unknownLots(missing);
  }

  private async running(job: JobRecord): Promise<ResultsAnswer> {
    return {
      kind: 'running',
      body: {
        error: 'Job not completed',
        job_id: job.id,
        status: job.status,
        progress: progressOf(job, await this.estimates.of(job)),
        message: `The job is ${job.status}; follow /api/v1/batch-status/${job.id}, or add ?partial=true for what has ended.`,
      },
      retryAfterSeconds: retryAfterSeconds(job, this.clock.now()),
    };
  }
}

async function stream(
  job: JobRecord,
  layout: ResultsLayout,
  pages: AsyncIterable<readonly LotRecord[]>,
  expectedLots: number | null,
): Promise<ResultsAnswer> {
  const bytes = resultsBytes(layout, pages, expectedLots);
  return {
    kind: 'results',
    jobId: job.id,
    contentType: layout.contentType,
    chunks: resume(await bytes.next(), bytes),
  };
}

async function* resume(
  first: IteratorResult<Buffer, void>,
  rest: AsyncGenerator<Buffer, void, undefined>,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (first.done !== true) yield first.value;
    yield* rest;
  } finally {
    // This also happens when the client disconnects before the first chunk was taken.
    await rest.return();
  }
}
