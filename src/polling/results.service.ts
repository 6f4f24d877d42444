import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import { retryAfterSeconds } from '../jobs/job-progress.js';
import type { JobRecord } from '../jobs/job-columns.js';
import { JobReader } from '../jobs/job-reader.js';
import type { LotFilter } from '../jobs/lot-filter-store.js';
import { LotResultReader, type LotSelection } from '../jobs/lot-result-reader.js';
import type { LotRecord } from '../jobs/lot-result.js';
import { ReplicaReader } from '../jobs/replica-reader.js';
import { isTerminal } from '../jobs/states.js';
import { unknownLots } from '../jobs/unknown-lots.js';
import { CompletionEstimates } from './completion-estimates.js';
import { legacyLayout } from './legacy-results.js';
import { cursorAt, placeOf } from './results-cursor.js';
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
  /** Only lots that fit all of this. */
  readonly filter: LotFilter;
  /** Only lots behind this one: a lot_id, or the cursor of a page. */
  readonly after: string | undefined;
  /** The most lots of a page; absent: all. */
  readonly limit: number | undefined;
}

export type ResultsAnswer =
  | { readonly kind: 'running'; readonly body: JobRunningDto; readonly retryAfterSeconds: number }
  | {
      readonly kind: 'results';
      readonly jobId: string;
      readonly contentType: string;
      readonly headers: Readonly<Record<string, string>>;
      /** The first chunk has already been read, so that a failure at the start is still answered as an error. */
      readonly chunks: AsyncGenerator<Buffer, void, undefined>;
    };

/** Lots of a page. Where it ends is found before it is sent, and these positions are all that is kept in memory. */
const MAX_LIMIT = 10_000;

/** A job's results as a stream, whatever its size. */
@Injectable()
export class ResultsService {
  constructor(
    private readonly jobs: JobReader,
    private readonly lots: LotResultReader,
    private readonly replica: ReplicaReader,
    private readonly estimates: CompletionEstimates,
    private readonly clock: Clock,
  ) {}

  /** @throws ServiceError JOB_NOT_FOUND, LOT_NOT_FOUND, VALIDATION_FAILED */
  async open(request: ResultsRequest): Promise<ResultsAnswer> {
    const found = await this.jobs.find(request.jobId, request.keyId);
    const ended = isTerminal(found.status);
    const lots = this.lots.on(this.replica.lotsOf(found));
    const chosen = request.lotIds === undefined ? undefined : await findLots(lots, found, request.lotIds);
    const { from, revision } = await start(lots, found, request.after);
    if (!ended && !request.partial) return this.running(found);
    // The revision stays the same for the whole answer, and by the cursor for the pages behind it.
    const job = { ...found, revision };
    const selection = {
      ...request.filter,
      ...chosen,
      from: Math.max(from, chosen?.from ?? 0),
      to: chosen?.to ?? job.totalLots - 1,
      onlyFinished: !ended && chosen === undefined,
    };
    const headers: Record<string, string> = { 'X-Results-Revision': String(revision) };
    if (request.limit === undefined) {
      const filtered = Object.keys(request.filter).length > 0;
      const expected = filtered ? null : expectedLots(job, chosen, from);
      const pages = this.pages(lots, job, selection, expected === null && ended);
      return stream(job, resultsLayout(request.format, job), pages, expected, headers);
    }
    const page = await lots.pageEnd(job, selection, Math.min(request.limit, MAX_LIMIT));
    const next = page.more ? cursorAt({ jobId: job.id, position: page.last ?? 0, revision }) : null;
    if (next !== null) headers['X-Next-Cursor'] = next;
    const pages = this.pages(lots, job, { ...selection, to: page.last ?? -1 }, ended);
    // More lots of a running job may have ended since.
    return stream(job, resultsLayout(request.format, job, next), pages, ended ? page.lots : null, headers);
  }

  /** @param watched - true where only the job itself can tell whether its lots were removed meanwhile */
  private async *pages(
    lots: LotResultReader,
    job: JobRecord,
    selection: LotSelection,
    watched: boolean,
  ): AsyncGenerator<LotRecord[], void, undefined> {
    yield* lots.readPages(job, selection);
    if (watched) await this.jobs.find(job.id, job.keyId);
  }

  /**
   * An ended job in the form of the older service.
   * @param statusText - its status as JSON text
   * @throws ServiceError JOB_NOT_FOUND
   */
  async openLegacy(jobId: string, keyId: string | null, statusText: string): Promise<ResultsAnswer> {
    const job = await this.jobs.find(jobId, keyId);
    const lots = this.lots.on(this.replica.lotsOf(job));
    return stream(job, legacyLayout(job, statusText), lots.readPages(job, { withSource: true }), job.totalLots);
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

/**
 * Where to begin: behind the lot or the page that a client has.
 * @throws ServiceError LOT_NOT_FOUND; VALIDATION_FAILED for a cursor of another job
 */
async function start(
  lots: LotResultReader,
  job: JobRecord,
  after: string | undefined,
): Promise<{ from: number; revision: number }> {
  if (after === undefined) return { from: 0, revision: job.revision };
  const place = placeOf(after);
  if (place?.jobId === job.id) return { from: place.position + 1, revision: Math.min(place.revision, job.revision) };
  if (place === null) {
    const { from } = await findLots(lots, job, [after]);
    return { from: from + 1, revision: job.revision };
  }
  throw new ServiceError('VALIDATION_FAILED', 'Some values are not valid; details lists each field with its rule.', {
    details: { fields: [{ path: 'after', rule: 'must be a cursor of this job' }], count: 1 },
  });
}

/**
 * @throws ServiceError LOT_NOT_FOUND when one of them is not in the job, because a part of what was asked for would
 *   look complete
 */
async function findLots(lots: LotResultReader, job: JobRecord, asked: readonly string[]): Promise<ChosenLots> {
  // PostgreSQL refuses U+0000, and no lot_id can contain it.
  const positions = await lots.positions(
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

/** Lots that a client named, and the range that they are in. */
interface ChosenLots {
  readonly lotIds: readonly string[];
  readonly from: number;
  readonly to: number;
}

/** How many lots an answer must have; null where that cannot be known before they are read. */
function expectedLots(job: JobRecord, chosen: ChosenLots | undefined, from: number): number | null {
  if (chosen !== undefined) return from === 0 ? chosen.lotIds.length : null;
  return isTerminal(job.status) ? Math.max(0, job.totalLots - from) : null;
}

async function stream(
  job: JobRecord,
  layout: ResultsLayout,
  pages: AsyncIterable<readonly LotRecord[]>,
  expectedLots: number | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<ResultsAnswer> {
  const bytes = resultsBytes(layout, pages, expectedLots);
  return {
    kind: 'results',
    jobId: job.id,
    contentType: layout.contentType,
    headers,
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
