import type {
  ClientOptions,
  CommandOptions,
  DescribeOptions,
  FailedLots,
  JobsFilter,
  ResultsOptions,
  UsageOptions,
  WaitOptions,
} from './options.js';
import { jsonBody, newKey, requestLines } from './request-body.js';
import { ResultReader } from './result-reader.js';
import { openSink, spoolLines, type Body } from './spool.js';
import { commandTarget, GENERATE, PHOTO_CHECK, resultsTarget, statusTarget, withQuery } from './targets.js';
import { broken, sleep, Transport } from './transport.js';
import type {
  BatchAcceptedAnswer,
  CancelledJob,
  DryRun,
  GenerateDescriptionsRequest,
  HandedOverAnswer,
  JobList,
  JobListItem,
  JobResults,
  JobStatus,
  KeyUsage,
  Lot,
  LotResult,
  PausedJob,
  Photo,
  PhotoCheckAnswer,
  SynchronousAnswer,
} from './types.js';

const ENDED = new Set(['completed', 'failed', 'cancelled']);
/** The service answers a waiting status request at the next change, after so many seconds at the latest. */
const LONG_POLL = 25;
/** Between two status requests, however often a job changes: far below the limit of 1,000 a minute. */
const POLL_PAUSE = 1;

/** Describes the damage in photos of car lots, in many languages. Signs every request. */
export class GenerationService {
  private readonly transport: Transport;
  private readonly reader: ResultReader;

  constructor(options: ClientOptions) {
    // An environment variable that is not set would be signed with, and refused without saying why.
    if (!options.url || !options.secret) throw new TypeError(`${options.url ? 'secret' : 'url'} is missing`);
    this.transport = new Transport({
      url: options.url.replace(/\/+$/, ''),
      secret: options.secret,
      keyId: options.keyId,
      retries: options.retries ?? 5,
      longestPause: options.longestPause ?? 120,
      timeout: options.timeout ?? 310,
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    });
    this.reader = new ResultReader(this.transport);
  }

  /**
   * Describes one lot with at most 20 photos, and waits for it: seconds as a rule, longer when OpenAI is slow and the
   * service turns it into a job. The lot can be `failed` only in that last case; otherwise its error is thrown.
   */
  async generate(lot: Lot, options: DescribeOptions): Promise<SynchronousAnswer> {
    const { idempotencyKey, signal, ...members } = options;
    const request: GenerateDescriptionsRequest = { version: '1.0.0', ...members, mode: 'sync', lots: [lot] };
    const answer = await this.transport.json<SynchronousAnswer | HandedOverAnswer>({
      method: 'POST',
      target: GENERATE,
      headers: { 'Idempotency-Key': idempotencyKey ?? newKey() },
      body: jsonBody(request),
      signal,
    });
    return 'lots' in answer ? answer : this.followHandedOver(answer, signal);
  }

  /**
   * Hands a batch in, up to 50,000 lots, from an array or from an iterator that makes them one by one. All lots are
   * taken or none.
   */
  async submit(lots: Iterable<Lot> | AsyncIterable<Lot>, options: DescribeOptions): Promise<BatchAcceptedAnswer> {
    const { idempotencyKey, signal, ...members } = options;
    const body = await spoolLines(
      requestLines({ version: '1.0.0', ...members, mode: 'batch' }, lots),
      await openSink(),
    );
    try {
      return await this.transport.json<BatchAcceptedAnswer>({
        method: 'POST',
        target: GENERATE,
        headers: { 'Idempotency-Key': idempotencyKey ?? newKey() },
        body,
        signal,
      });
    } finally {
      await body.discard();
    }
  }

  status(jobId: string, options: { signal?: AbortSignal } = {}): Promise<JobStatus> {
    return this.transport.json({ method: 'GET', target: statusTarget(jobId), signal: options.signal });
  }

  /** Waits until a job has ended, and returns its last status: `completed`, `failed` or `cancelled`. */
  async wait(jobId: string, { onProgress, signal }: WaitOptions = {}): Promise<JobStatus> {
    let etag: string | null = null;
    for (let attempt = 1; ;) {
      const call = {
        method: 'GET' as const,
        target: statusTarget(jobId),
        headers: { Prefer: `wait=${LONG_POLL}`, ...(etag !== null && { 'If-None-Match': etag }) },
        signal,
      };
      const response = await this.transport.send(call);
      if (response.status !== 304) {
        let status: JobStatus;
        try {
          status = (await response.json()) as JobStatus;
        } catch (cause) {
          await this.transport.pause(attempt++, broken(call, cause), signal);
          continue;
        }
        etag = response.headers.get('ETag');
        attempt = 1;
        onProgress?.(status);
        if (ENDED.has(status.status)) return status;
      }
      await sleep(POLL_PAUSE, signal);
    }
  }

  /**
   * The lots of a job that has ended, one by one as they come: all, or those that the options choose. When the
   * connection breaks, the results are asked for again from behind the last lot that was handed over.
   * @throws JobRunningError while the job runs, without `partial`
   */
  results(jobId: string, options: ResultsOptions = {}): AsyncGenerator<LotResult, void, undefined> {
    return this.reader.lots(jobId, options);
  }

  /**
   * The results of a job as a file: `csv` opens in a spreadsheet, one row for each lot and language. `csv` and `ndjson` go
   * on after a cut; `json` is one document, so its stream fails.
   */
  download(
    jobId: string,
    options: ResultsOptions & { format: 'json' | 'ndjson' | 'csv' },
  ): Promise<ReadableStream<Uint8Array>> {
    const { format } = options;
    return format === 'json' ? this.reader.document(jobId, options) : this.reader.rows(jobId, { ...options, format });
  }

  /** The key's jobs, the newest first. */
  async *jobs(filter: JobsFilter = {}): AsyncGenerator<JobListItem, void, undefined> {
    for (let cursor: string | null = null; ;) {
      const target = withQuery('/api/v1/batch-jobs', { limit: 100, ...filter, cursor: cursor ?? undefined });
      const page: JobList = await this.transport.json({ method: 'GET', target });
      yield* page.jobs;
      cursor = page.pagination.next_cursor;
      if (cursor === null) return;
    }
  }

  /** Ends a job: results stay as they are, lots without one read `cancelled`, what OpenAI had begun is billed. */
  cancel(jobId: string, options: CommandOptions = {}): Promise<CancelledJob> {
    return this.command(jobId, 'cancel', options);
  }

  /** Pauses a batch: nothing of it begins any more. What OpenAI has is still taken in. */
  pause(jobId: string, options: CommandOptions = {}): Promise<PausedJob> {
    return this.command(jobId, 'pause', options);
  }

  /** Lets a paused batch go on, unless an operator of the service has paused it too. */
  resume(jobId: string, options: CommandOptions = {}): Promise<PausedJob> {
    return this.command(jobId, 'resume', options);
  }

  /**
   * Tries failed lots of a job that has ended once more, as a new job; the old one stays as it is. A lot that a retry has
   * in hand or has finished is not taken again.
   */
  retry(
    jobId: string,
    { idempotencyKey, signal, ...lots }: FailedLots & CommandOptions = {},
  ): Promise<BatchAcceptedAnswer> {
    return this.command(jobId, 'retry', { idempotencyKey, signal }, jsonBody(lots));
  }

  /** How many lots a retry would take, and about what it would cost. Nothing is sent. */
  estimateRetry(jobId: string, { signal, ...lots }: FailedLots & { signal?: AbortSignal } = {}): Promise<DryRun> {
    return this.command(jobId, 'retry', { signal }, jsonBody({ ...lots, dry_run: true }));
  }

  /** Looks at up to 100 photos without a model: whether they can be fetched, what they are, what they would cost. */
  photoCheck(images: readonly (Photo | string)[], options: { signal?: AbortSignal } = {}): Promise<PhotoCheckAnswer> {
    const { signal } = options;
    return this.transport.json({ method: 'POST', target: PHOTO_CHECK, body: jsonBody({ images }), signal });
  }

  /** Lots, tokens and cost of this key. */
  usage({ signal, ...query }: UsageOptions = {}): Promise<KeyUsage> {
    return this.transport.json({ method: 'GET', target: withQuery('/api/v1/usage', query), signal });
  }

  private command<T>(
    jobId: string,
    name: string,
    { idempotencyKey = newKey(), signal }: { [Option in keyof CommandOptions]: CommandOptions[Option] | undefined },
    body?: Body,
  ): Promise<T> {
    return this.transport.json<T>({
      method: 'POST',
      target: commandTarget(jobId, name),
      headers: { 'Idempotency-Key': idempotencyKey },
      ...(body !== undefined && { body }),
      signal,
    });
  }

  /** The answer that a synchronous request would have had, once the job that it became has ended. */
  private async followHandedOver(job: HandedOverAnswer, signal: AbortSignal | undefined): Promise<SynchronousAnswer> {
    const given = signal === undefined ? {} : { signal };
    await this.wait(job.job_id, given);
    const target = resultsTarget(job.job_id, {});
    const { results, completed_at, metadata } = await this.transport.json<JobResults>({
      method: 'GET',
      target,
      signal,
    });
    return {
      version: '1.0.0',
      job_id: job.job_id,
      processing_mode: 'synchronous',
      total_lots: job.total_lots,
      processed_at: completed_at ?? job.created_at,
      lots: results.lots,
      warnings: job.warnings,
      pending_languages: [...new Set(results.lots.flatMap((lot) => lot.pending_languages))],
      ...(Object.keys(metadata).length > 0 && { metadata }),
    };
  }
}
