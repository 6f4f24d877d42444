import { toStreamingFile } from 'openai';
import type { Clock } from '../common/clock.js';
import type { AppConfig } from '../config/app-config.js';
import { OpenAiError } from './errors.js';
import { FileDownload } from './file-download.js';
import { isRecord, numberOf, textOf } from './json-values.js';
import type { OpenAiTransport } from './openai-transport.js';
import { readJson } from './read-body.js';
import { withRetries, type CallLimits } from './retry.js';
import { brokenBody } from './to-openai-error.js';

export interface UploadedFile {
  readonly id: string;
  /** Bytes of the file as they were sent. */
  readonly bytes: number;
}

export interface UpstreamFile {
  readonly id: string;
  readonly filename: string | undefined;
  readonly bytes: number | undefined;
}

export interface FileContentOptions {
  /** Byte to begin at; the cursor of an earlier download. */
  readonly offset?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte after which the connection counts as dead; 60,000 by default. */
  readonly idleTimeoutMs?: number | undefined;
  /** Milliseconds since 1970; none by default, because a download may take as long as bytes keep arriving. */
  readonly deadlineAt?: number | undefined;
}

const TRY_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 60_000;
/** A tenth of OpenAI's largest page; it is some 250 KB of JSON. */
const PAGE_SIZE = 1000;
/** File names that are safe in a multipart header, into which SDK 6 writes them unescaped (openai-node #2363). */
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export class FilesApi {
  constructor(
    private readonly transport: OpenAiTransport,
    private readonly clock: Clock,
    private readonly config: Pick<AppConfig, 'openai'>,
  ) {}

  /**
   * Uploads a batch's input in constant memory, at the pace of the connection. A file whose outcome is unknown is
   * uploaded again. An unused file costs nothing and expires after 30 days.
   * @param name - ASCII letters, digits and `._-`, at most 128. In a list of files it shows which submission the file
   *   belongs to
   * @param source - opens the content again for each try. An error in it ends the call as kind `aborted`, with it as
   *   cause
   */
  async uploadBatchInput(
    name: string,
    source: () => AsyncIterable<Uint8Array>,
    limits: CallLimits,
  ): Promise<UploadedFile> {
    if (!SAFE_NAME.test(name)) throw new TypeError('a file name may hold ASCII letters, digits and ._- only');
    const first = await this.upload(name, source, limits);
    if (first.counted === first.bytes || first.counted === undefined) return sent(first);
    // The server counted other bytes than we sent. Either the upload was cut: then the second one arrives whole. Or the
    // server counts in another way: then it gives the same number again, and there is no use in a third upload. If the
    // file was cut after all, its last lots get no answer and are asked for again.
    const second = await this.upload(name, source, limits);
    if (second.counted === second.bytes || second.counted === undefined || second.counted === first.counted) {
      return sent(second);
    }
    throw new OpenAiError({
      kind: 'rejected',
      retryable: false,
      status: 200,
      code: 'upload_incomplete',
      outcomeUnknown: false,
    });
  }

  /** @returns the size that the server counted; undefined when it does not tell, as gateways that send 0 or null */
  private async upload(
    name: string,
    source: () => AsyncIterable<Uint8Array>,
    limits: CallLimits,
  ): Promise<UploadedFile & { readonly counted: number | undefined }> {
    let content = new CountedSource(source);
    const { value } = await this.transport.call<UpstreamFile>(
      {
        name: 'upload_file',
        path: '/files',
        send: async (client, sdkOptions) => {
          content = new CountedSource(source);
          const file = toStreamingFile(content.read(), name, { type: 'application/jsonl' });
          try {
            return await client.files.create({ file, purpose: 'batch' }, sdkOptions).asResponse();
          } catch (error) {
            if (content.error === undefined) throw error;
            throw new OpenAiError({ kind: 'aborted', retryable: false, cause: content.error });
          }
        },
        read: async (response) => {
          const file = parseFile(await readJson(response));
          if (file === undefined) throw brokenBody({ status: response.status });
          return file;
        },
      },
      limits,
    );
    const counted = value.bytes === undefined || value.bytes <= 0 ? undefined : value.bytes;
    return { id: value.id, bytes: content.bytes, counted };
  }

  /** The project's batch inputs, newest first, a page at a time. */
  async *listBatchInputs(limits: CallLimits): AsyncGenerator<UpstreamFile[], void, undefined> {
    let after: string | undefined;
    for (;;) {
      const { value: page } = await this.transport.call<{ files: UpstreamFile[]; hasMore: boolean }>(
        {
          name: 'list_files',
          path: '/files',
          tryTimeoutMs: TRY_TIMEOUT_MS,
          send: (client, sdkOptions) => {
            const query = { purpose: 'batch', order: 'desc', limit: PAGE_SIZE, after };
            return client.get('/files', { query, ...sdkOptions }).asResponse();
          },
          read: async (response) => parsePage(await readJson(response)),
        },
        limits,
      );
      if (page.files.length > 0) yield page.files;
      const last = page.files.at(-1)?.id;
      // Stops when a page ends where the one before ended; otherwise it would be requested endlessly.
      if (!page.hasMore || last === undefined || last === after) return;
      after = last;
    }
  }

  /** Deletes a file; one that is gone already is deleted. */
  async deleteFile(id: string, limits: CallLimits): Promise<void> {
    try {
      await this.transport.call<unknown>(
        {
          name: 'delete_file',
          path: `/files/${id}`,
          tryTimeoutMs: TRY_TIMEOUT_MS,
          send: (client, sdkOptions) => client.files.delete(id, sdkOptions).asResponse(),
          read: readJson,
        },
        limits,
      );
    } catch (error) {
      if (!(error instanceof OpenAiError) || error.status !== 404) throw error;
    }
  }

  /**
   * A file's bytes from `offset` on, with flat memory, at the reader's pace. A connection that breaks or stalls is
   * resumed at the same position, RETRY_ATTEMPTS times at most without a new byte, so the reader gets either the whole
   * file or an error.
   */
  async *fileContent(id: string, options: FileContentOptions = {}): AsyncGenerator<Buffer, void, undefined> {
    const { retryAttempts, baseDelaySeconds } = this.config.openai;
    const policy = { maxTries: retryAttempts, baseDelayMs: baseDelaySeconds * 1000 };
    const limits = { signal: options.signal, deadlineAt: options.deadlineAt ?? Number.POSITIVE_INFINITY };
    let position = options.offset ?? 0;
    let download: FileDownload | undefined;
    try {
      for (;;) {
        const chunk = await withRetries(this.clock, policy, limits, async () => {
          try {
            download ??= await this.open(id, position, options);
            return await download.next();
          } catch (error) {
            await download?.close();
            download = undefined;
            throw error;
          }
        });
        if (chunk === undefined) return;
        position += chunk.length;
        yield chunk;
      }
    } finally {
      await download?.close();
    }
  }

  /**
   * One request for the bytes from `position` on. The caller retries it, because the caller knows whether bytes
   * arrived.
   */
  private async open(id: string, position: number, options: FileContentOptions): Promise<FileDownload> {
    const idleTimeoutMs = options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
    const deadlineAt = options.deadlineAt ?? Number.POSITIVE_INFINITY;
    try {
      const { value } = await this.transport.call<FileDownload>(
        {
          name: 'file_content',
          path: `/files/${id}/content`,
          maxTries: 1,
          tryTimeoutMs: idleTimeoutMs,
          send: (client, sdkOptions) => {
            const headers = { ...sdkOptions.headers, ...(position > 0 ? { Range: `bytes=${position}-` } : {}) };
            return client.files.content(id, { ...sdkOptions, headers }).asResponse();
          },
          // Reads only the headers; next() reads the body, each chunk with its own idle timeout.
          read: (response) => {
            const limits = { idleTimeoutMs, deadlineAt, signal: options.signal };
            return Promise.resolve(new FileDownload(response, position, this.clock, limits));
          },
        },
        { deadlineAt, signal: options.signal },
      );
      return value;
    } catch (error) {
      // The cursor is at the end of the file, so a server that knows ranges has nothing more to send.
      if (error instanceof OpenAiError && error.status === 416) {
        return new FileDownload(new Response(null), 0, this.clock, {
          idleTimeoutMs,
          deadlineAt,
          signal: options.signal,
        });
      }
      throw error;
    }
  }
}

function sent({ id, bytes }: UploadedFile): UploadedFile {
  return { id, bytes };
}

/** Counts the bytes read from a source and remembers its error, which must not be taken for an error of OpenAI. */
class CountedSource {
  bytes = 0;
  error: unknown;

  constructor(private readonly source: () => AsyncIterable<Uint8Array>) {}

  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of this.source()) {
        this.bytes += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      this.error = error;
      throw error;
    }
  }
}

function parseFile(body: unknown): UpstreamFile | undefined {
  const id = isRecord(body) ? textOf(body['id']) : undefined;
  if (!isRecord(body) || id === undefined) return undefined;
  return {
    id,
    filename: textOf(body['filename']),
    bytes: numberOf(body['bytes']),
  };
}

function parsePage(body: unknown): { files: UpstreamFile[]; hasMore: boolean } {
  if (!isRecord(body) || !Array.isArray(body['data'])) throw brokenBody({ status: 200 });
  return {
    files: body['data'].map(parseFile).filter((file) => file !== undefined),
    hasMore: body['has_more'] === true,
  };
}
