import { ConflictError } from 'openai';
import { OpenAiError } from './errors.js';
import { dateOf, isRecord, numberOf, textOf, wordOf, type JsonRecord } from './json-values.js';
import type { OpenAiTransport } from './openai-transport.js';
import { readJson } from './read-body.js';
import type { CallLimits } from './retry.js';
import { brokenBody } from './to-openai-error.js';

/** A batch as OpenAI reports it; members that OpenAI leaves out, or sets to null or "", are undefined. */
export interface UpstreamBatch {
  readonly id: string;
  /** OpenAI's status. One that is not in its documentation means that the batch is still running. */
  readonly status: string;
  /**
   * Whether it is completed, failed, expired or cancelled: then nothing changes any more, and the files, if any, are
   * complete.
   */
  readonly terminal: boolean;
  readonly inputFileId: string | undefined;
  readonly outputFileId: string | undefined;
  readonly errorFileId: string | undefined;
  readonly createdAt: Date | undefined;
  /** In requests; says nothing about success, and all zero while validating. */
  readonly counts: { readonly total: number; readonly completed: number; readonly failed: number };
  /** Why validation failed. */
  readonly errors: readonly UpstreamBatchError[];
  readonly metadata: Readonly<Record<string, string>>;
}

interface UpstreamBatchError {
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** Line of the input file. */
  readonly line: number | undefined;
}

export interface NewBatch {
  readonly inputFileId: string;
  /** At most 16 pairs of 64 and 512 characters. Holds the key by which a batch of unknown outcome is found again. */
  readonly metadata: Readonly<Record<string, string>>;
}

const TERMINAL: ReadonlySet<string | null> = new Set(['completed', 'failed', 'expired', 'cancelled']);
const TRY_TIMEOUT_MS = 30_000;
/** The largest page that OpenAI returns. */
const PAGE_SIZE = 100;

/** Whether a batch with this status has ended. With null or an undocumented status it has not. */
export function isTerminalBatch(status: string | null): boolean {
  return TERMINAL.has(status);
}

export class BatchesApi {
  constructor(private readonly transport: OpenAiTransport) {}

  /**
   * POST /batches, sent exactly once: OpenAI has no idempotency, so a repeat may be a second paid batch.
   * @throws OpenAiError; `notCreated` true: no batch exists; false: unknown, look for it by key and input file
   */
  async createBatch(batch: NewBatch, limits: CallLimits): Promise<UpstreamBatch> {
    const { value } = await this.transport.call<UpstreamBatch>(
      {
        name: 'create_batch',
        path: '/batches',
        maxTries: 1,
        send: (client, sdkOptions) =>
          client.batches
            .create(
              {
                input_file_id: batch.inputFileId,
                endpoint: '/v1/responses',
                completion_window: '24h',
                metadata: { ...batch.metadata },
              },
              sdkOptions,
            )
            .asResponse(),
        read: readBatch,
      },
      limits,
    );
    return value;
  }

  /** @throws OpenAiError with status 404 for an unknown id, which a batch just created may still be */
  async retrieveBatch(id: string, limits: CallLimits): Promise<UpstreamBatch> {
    const { value } = await this.transport.call<UpstreamBatch>(
      {
        name: 'retrieve_batch',
        path: `/batches/${id}`,
        tryTimeoutMs: TRY_TIMEOUT_MS,
        send: (client, sdkOptions) => client.batches.retrieve(id, sdkOptions).asResponse(),
        read: readBatch,
      },
      limits,
    );
    return value;
  }

  /**
   * Cancels a batch and returns it as it stands. One that has ended already is no error: OpenAI refuses to cancel it,
   * so it is read again instead.
   */
  async cancelBatch(id: string, limits: CallLimits): Promise<UpstreamBatch> {
    try {
      const { value } = await this.transport.call<UpstreamBatch>(
        {
          name: 'cancel_batch',
          path: `/batches/${id}/cancel`,
          tryTimeoutMs: TRY_TIMEOUT_MS,
          send: async (client, sdkOptions) => {
            try {
              return await client.batches.cancel(id, sdkOptions).asResponse();
            } catch (error) {
              throw conflictAsRefusal(error);
            }
          },
          read: readBatch,
        },
        limits,
      );
      return value;
    } catch (error) {
      if (error instanceof OpenAiError && error.kind === 'rejected' && error.status !== 404) {
        return this.retrieveBatch(id, limits);
      }
      throw error;
    }
  }

  /**
   * The project's batches, newest first, a page at a time; OpenAI filters by nothing. Stop when a whole page is older
   * than what is looked for. Entries without an id are left out.
   * @param after - the id after which the page begins
   */
  async *listBatches(limits: CallLimits & { readonly after?: string | undefined }): AsyncGenerator<UpstreamBatch[]> {
    let after = limits.after;
    for (;;) {
      const { value: page } = await this.transport.call<{ batches: UpstreamBatch[]; hasMore: boolean }>(
        {
          name: 'list_batches',
          path: '/batches',
          tryTimeoutMs: TRY_TIMEOUT_MS,
          send: (client, sdkOptions) =>
            client.get('/batches', { query: { limit: PAGE_SIZE, after }, ...sdkOptions }).asResponse(),
          read: async (response) => parsePage(await readJson(response)),
        },
        limits,
      );
      if (page.batches.length > 0) yield page.batches;
      const last = page.batches.at(-1)?.id;
      // Stops when a page ends where the one before ended; otherwise it would be requested endlessly.
      if (!page.hasMore || last === undefined || last === after) return;
      after = last;
    }
  }
}

/** Reads a Batch object tolerantly; undefined when it is not one (no id or no status). */
export function parseBatch(body: unknown): UpstreamBatch | undefined {
  if (!isRecord(body)) return undefined;
  const id = textOf(body['id']);
  const status = textOf(body['status']);
  if (id === undefined || status === undefined) return undefined;
  const counts = isRecord(body['request_counts']) ? body['request_counts'] : {};
  return {
    id,
    status,
    terminal: isTerminalBatch(status),
    inputFileId: textOf(body['input_file_id']),
    outputFileId: textOf(body['output_file_id']),
    errorFileId: textOf(body['error_file_id']),
    createdAt: dateOf(body['created_at']),
    counts: {
      total: numberOf(counts['total']) ?? 0,
      completed: numberOf(counts['completed']) ?? 0,
      failed: numberOf(counts['failed']) ?? 0,
    },
    errors: parseErrors(body['errors']),
    metadata: parseMetadata(body['metadata']),
  };
}

function parseErrors(errors: unknown): UpstreamBatchError[] {
  const data = isRecord(errors) ? errors['data'] : errors;
  if (!Array.isArray(data)) return [];
  return data.filter(isRecord).map((error: JsonRecord) => ({
    code: wordOf(error['code']),
    message: textOf(error['message']),
    line: numberOf(error['line']),
  }));
}

function parseMetadata(metadata: unknown): Record<string, string> {
  if (!isRecord(metadata)) return {};
  return Object.fromEntries(
    Object.entries(metadata).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

function parsePage(body: unknown): { batches: UpstreamBatch[]; hasMore: boolean } {
  if (!isRecord(body) || !Array.isArray(body['data'])) throw brokenBody({ status: 200 });
  const batches = body['data'].map(parseBatch).filter((batch) => batch !== undefined);
  return { batches, hasMore: body['has_more'] === true };
}

/** Elsewhere a 409 means to wait and try again; here it means that the batch has ended. */
function conflictAsRefusal(thrown: unknown): unknown {
  if (!(thrown instanceof ConflictError)) return thrown;
  return new OpenAiError({ kind: 'rejected', retryable: false, status: 409, cause: thrown });
}

async function readBatch(response: Response): Promise<UpstreamBatch> {
  const batch = parseBatch(await readJson(response));
  if (batch === undefined) throw brokenBody({ status: response.status });
  return batch;
}
