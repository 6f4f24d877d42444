import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { ServiceError } from './service-error.js';
import { invalidJson } from './strict-json.js';

/** Pieces are no larger, so that whoever works on one does not hold the event loop for long. */
export const MAX_CHUNK_BYTES = 64 * 1024;

type ContentCoding = 'identity' | 'gzip' | 'br';

/** The client hung up before its body was whole: there is nobody to be answered. */
export class BodyAbortedError extends ServiceError {
  constructor(cause: unknown) {
    super('INVALID_JSON', 'The connection ended before the body did.', { cause });
    this.name = 'BodyAbortedError';
  }
}

/**
 * The body of a request with its Content-Encoding undone, as a stream with back-pressure: counted, hashed, and never
 * inflated further than allowed.
 */
export class RequestBody {
  private readonly coding: ContentCoding;
  private hash: Hash | undefined;
  private bytes = 0;

  /**
   * Looks at the headers only.
   * @param maxBytes - the most that the body may hold, decoded
   * @throws ServiceError UNSUPPORTED_MEDIA_TYPE (an encoding other than identity, gzip, br), BODY_TOO_LARGE (announced size)
   */
  constructor(
    private readonly request: IncomingMessage,
    private readonly maxBytes: number,
  ) {
    this.coding = contentCoding(request.headers['content-encoding']);
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw bodyTooLarge(maxBytes);
  }

  /** Whether the headers announce a body; it may turn out to be empty. */
  get isAnnounced(): boolean {
    const { headers } = this.request;
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  }

  /** Decoded bytes read so far. */
  get size(): number {
    return this.bytes;
  }

  /** SHA-256 of the decoded bytes, lower-case hex. To be asked once, after the last chunk. */
  sha256Hex(): string {
    return (this.hash ?? createHash('sha256')).digest('hex');
  }

  /**
   * The decoded bytes in pieces of at most {@link MAX_CHUNK_BYTES}. Stopping early leaves the connection open, so that a
   * refusal can still be answered.
   * @throws ServiceError BODY_TOO_LARGE, INVALID_JSON (broken compression), BodyAbortedError (the client hung up)
   */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    if (!this.isAnnounced) return;
    if (this.coding === 'identity') yield* this.counted(this.request);
    else yield* this.decoded(this.coding);
  }

  /** The whole body; only for small limits. */
  async read(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.chunks()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  private async *decoded(coding: 'gzip' | 'br'): AsyncGenerator<Buffer, void, undefined> {
    const options = { chunkSize: MAX_CHUNK_BYTES };
    const decoder = coding === 'gzip' ? createGunzip(options) : createBrotliDecompress(options);
    // pipe() alone forwards neither the error of a lost connection nor an end that never comes.
    const abort = (error?: unknown) => decoder.destroy(new BodyAbortedError(error));
    const onClose = () => {
      if (!this.request.readableEnded) abort();
    };
    this.request.once('error', abort).once('close', onClose);
    if (this.request.destroyed) onClose();
    else this.request.pipe(decoder);
    try {
      yield* this.counted(decoder);
    } finally {
      this.request.off('error', abort).off('close', onClose);
      this.request.unpipe(decoder);
      decoder.destroy();
    }
  }

  private async *counted(source: Readable): AsyncGenerator<Buffer, void, undefined> {
    try {
      // Leaving a plain `for await` would destroy the request, and with it the connection that the answer needs.
      for await (const data of source.iterator({ destroyOnReturn: false })) {
        const chunk = data as Buffer;
        this.bytes += chunk.length;
        if (this.bytes > this.maxBytes) throw bodyTooLarge(this.maxBytes);
        for (let start = 0; start < chunk.length; start += MAX_CHUNK_BYTES) {
          const piece = chunk.subarray(start, start + MAX_CHUNK_BYTES);
          (this.hash ??= createHash('sha256')).update(piece);
          yield piece;
        }
      }
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      if (source === this.request) throw new BodyAbortedError(error);
      throw invalidJson(`The body is not valid ${this.coding}, as Content-Encoding says it is.`, error);
    }
  }
}

/** The media type in lower case without parameters, '' when there is none. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Whether the charset parameter is absent or UTF-8, the only encoding that JSON has. */
export function isUtf8MediaType(request: IncomingMessage): boolean {
  const charset = /;\s*charset\s*=\s*("?)([^";\s]*)\1/i.exec(request.headers['content-type'] ?? '')?.[2];
  return charset === undefined || /^utf-?8$/i.test(charset);
}

export function unsupportedMediaType(message: string, headers: Record<string, string> = {}): ServiceError {
  return new ServiceError('UNSUPPORTED_MEDIA_TYPE', message, { headers });
}

function contentCoding(header: string | undefined): ContentCoding {
  const codings = (header ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim());
  const [coding = 'identity', ...further] = codings.filter((name) => name !== '' && name !== 'identity');
  if (coding === 'identity') return coding;
  // RFC 9110 obliges to take x-gzip for gzip. Two codings one upon the other would multiply what a byte can inflate to.
  const known = coding === 'x-gzip' ? 'gzip' : coding;
  if (further.length === 0 && (known === 'gzip' || known === 'br')) return known;
  throw unsupportedMediaType('Send the body as it is, or with Content-Encoding: gzip or br.', {
    'Accept-Encoding': 'gzip, br',
  });
}

function bodyTooLarge(maxBytes: number): ServiceError {
  return new ServiceError('BODY_TOO_LARGE', `The body may hold ${maxBytes} bytes, counted after decompression.`, {
    details: { max_bytes: maxBytes },
  });
}
