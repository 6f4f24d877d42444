import { JobRunningError } from './errors.js';
import { readLines } from './read-lines.js';
import { sha256Hex } from './signing.js';
import { openSink, spoolLines, type Body } from './spool.js';
import { broken, sleep, Transport } from './transport.js';
import type {
  BatchAcceptedAnswer,
  CancelledJob,
  GenerateDescriptionsRequest,
  HandedOverAnswer,
  JobList,
  JobListItem,
  JobResults,
  JobStatus,
  Lot,
  LotResult,
  PausedJob,
  SynchronousAnswer,
} from './types.js';

export interface ClientOptions {
  /** Where the service is, for example `https://descriptions.example.com`. */
  readonly url: string;
  /** The shared key. It never belongs in a public page. */
  readonly secret: string;
  /** Names the key; without it the service tries every live one. */
  readonly keyId?: string;
  /** Attempts after the first (5). */
  readonly retries?: number;
  /** The longest pause in seconds before an attempt (120); asked for a longer one, the client throws. */
  readonly longestPause?: number;
  /** Seconds until an answer must have begun (310: the service answers within 300). */
  readonly timeout?: number;
  readonly fetch?: typeof fetch;
}

/** What is asked for, besides the lots. */
export interface DescribeOptions extends Omit<GenerateDescriptionsRequest, 'lots' | 'version' | 'mode' | 'signature'> {
  /** Made when absent. Set it to repeat a request from another process: the same job answers for 24 h. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface WaitOptions {
  /** Called with every status that differs from the one before. */
  readonly onProgress?: (status: JobStatus) => void;
  readonly signal?: AbortSignal;
}

export interface CommandOptions {
  /** Made when absent. A repeat with the same key within 24 h does nothing again. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface ResultsOptions {
  /** What is there so far, while the job runs. */
  readonly partial?: boolean;
  readonly signal?: AbortSignal;
}

export interface JobsFilter {
  readonly status?: string;
  readonly mode?: 'sync' | 'batch';
  readonly created_after?: string;
  readonly created_before?: string;
}

const ENDED = new Set(['completed', 'failed', 'cancelled']);
const GENERATE = '/api/v1/generate-descriptions';
/** The service answers a waiting status request at the next change, after so many seconds at the latest. */
const LONG_POLL = 25;
/** Between two status requests, however often a job changes: far below the limit of 1,000 a minute. */
const POLL_PAUSE = 1;

/** Describes the damage in photos of car lots, in many languages. Signs every request. */
export class GenerationService {
  private readonly transport: Transport;

  constructor(options: ClientOptions) {
    this.transport = new Transport({
      url: options.url.replace(/\/+$/, ''),
      secret: options.secret,
      keyId: options.keyId,
      retries: options.retries ?? 5,
      longestPause: options.longestPause ?? 120,
      timeout: options.timeout ?? 310,
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    });
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
   * The lots of a job that has ended, one by one as they come. When the connection breaks, the results are asked for
   * again and the lots that were handed over are skipped; `partial` ones are not, because they change meanwhile.
   * @throws JobRunningError while the job runs, without `partial`
   */
  async *results(jobId: string, options: ResultsOptions = {}): AsyncGenerator<LotResult, void, undefined> {
    const { partial = false, signal } = options;
    const target = `/api/v1/batch-results/${encodeURIComponent(jobId)}${partial ? '?partial=true' : ''}`;
    const call = { method: 'GET' as const, target, headers: { Accept: 'application/x-ndjson' }, signal };
    let handedOver = 0;
    for (let attempt = 1; ; attempt++) {
      const body = await this.open(jobId, call);
      const lines = readLines(body);
      try {
        for (let position = 0; ; position++) {
          const { value: line, done } = await nextLine(lines, call);
          if (done === true) return;
          if (position < handedOver) continue;
          handedOver++;
          attempt = 1;
          yield JSON.parse(line) as LotResult;
        }
      } catch (error) {
        if (partial) throw error;
        await this.transport.pause(attempt, error, signal);
      } finally {
        await lines.return();
      }
    }
  }

  /** The results of a job as a file: `csv` opens in a spreadsheet, one row for each lot and language. */
  download(
    jobId: string,
    options: ResultsOptions & { format: 'json' | 'ndjson' | 'csv' },
  ): Promise<ReadableStream<Uint8Array>> {
    const query = `?format=${options.format}${options.partial === true ? '&partial=true' : ''}`;
    const target = `/api/v1/batch-results/${encodeURIComponent(jobId)}/download${query}`;
    return this.open(jobId, { method: 'GET', target, signal: options.signal });
  }

  /** The key's jobs, the newest first. */
  async *jobs(filter: JobsFilter = {}): AsyncGenerator<JobListItem, void, undefined> {
    for (let cursor: string | null = null; ;) {
      const query = new URLSearchParams({ limit: '100', ...filter, ...(cursor !== null && { cursor }) });
      const page: JobList = await this.transport.json({
        method: 'GET',
        target: `/api/v1/batch-jobs?${query.toString()}`,
      });
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

  private command<T>(jobId: string, name: string, { idempotencyKey = newKey(), signal }: CommandOptions): Promise<T> {
    return this.transport.json<T>({
      method: 'POST',
      target: `/api/v1/batch-jobs/${encodeURIComponent(jobId)}/${name}`,
      headers: { 'Idempotency-Key': idempotencyKey },
      signal,
    });
  }

  private async open(jobId: string, call: Parameters<Transport['send']>[0]): Promise<ReadableStream<Uint8Array>> {
    const response = await this.transport.send(call);
    if (response.status !== 202 && response.body !== null) return response.body;
    const running = (await response.json()) as { status: string };
    throw new JobRunningError(jobId, running.status);
  }

  /** The answer that a synchronous request would have had, once the job that it became has ended. */
  private async followHandedOver(job: HandedOverAnswer, signal: AbortSignal | undefined): Promise<SynchronousAnswer> {
    const given = signal === undefined ? {} : { signal };
    await this.wait(job.job_id, given);
    const target = `/api/v1/batch-results/${encodeURIComponent(job.job_id)}`;
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

/** The next line; a failure to read it is a broken connection, unlike what the caller of the iterator throws. */
async function nextLine(
  lines: AsyncGenerator<string, void, undefined>,
  call: { method: 'GET'; target: string; signal?: AbortSignal | undefined },
): Promise<{ value: string; done?: false } | { value: void; done: true }> {
  try {
    return (await lines.next()) as { value: string; done?: false } | { value: void; done: true };
  } catch (cause) {
    call.signal?.throwIfAborted();
    throw broken(call, cause);
  }
}

async function* requestLines(
  head: Omit<GenerateDescriptionsRequest, 'lots'>,
  lots: Iterable<Lot> | AsyncIterable<Lot>,
): AsyncGenerator<string, void, undefined> {
  yield JSON.stringify(head);
  for await (const lot of lots) yield JSON.stringify(lot);
}

function jsonBody(request: GenerateDescriptionsRequest): Body {
  const text = JSON.stringify(request);
  return {
    contentType: 'application/json',
    digest: sha256Hex(text),
    open: () => Promise.resolve(text),
    discard: () => Promise.resolve(),
  };
}

function statusTarget(jobId: string): string {
  return `/api/v1/batch-status/${encodeURIComponent(jobId)}`;
}

/** randomUUID() is absent on pages that came over plain http. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
