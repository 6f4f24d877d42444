import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { ServiceError } from './service-error.js';
import { invalidJson } from './strict-json.js';

/** Pieces are no larger than this, so that work on one piece does not block the event loop for long. */
export const MAX_CHUNK_BYTES = 64 * 1024;

type ContentCoding = 'identity' | 'gzip' | 'br';

/** Every body may decode to this many bytes; above that the ratio below limits it. */
const FREE_DECODED_BYTES = 512 * 1024;
/**
 * Lots of a catalogue become 20 to 40 times as long from gzip and 55 to 75 times from br; 50,000 lots that all name the
 * same eight photos 140 and 430 times (measured). A bomb in br reaches a million.
 */
const MAX_DECODED_RATIO = 500;

/** The client disconnected before its body was complete, so there is no one to answer. */
export class BodyAbortedError extends ServiceError {
  constructor(cause: unknown) {
    super('INVALID_JSON', 'The connection ended before the body did.', { cause });
    this.name = 'BodyAbortedError';
  }
}

/** What the headers of a request say of its body, and how to undo its Content-Encoding. */
export class RequestBody {
  readonly coding: ContentCoding;

  /**
   * Reads only the headers.
   * @param maxBytes - the most that the body may hold, decoded
   * @throws ServiceError UNSUPPORTED_MEDIA_TYPE (an encoding other than identity, gzip, br), BODY_TOO_LARGE (announced
   * size)
   */
  constructor(
    private readonly request: IncomingMessage,
    private readonly maxBytes: number,
  ) {
    this.coding = contentCoding(request.headers['content-encoding']);
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw bodyTooLarge(maxBytes);
  }

  get isAnnounced(): boolean {
    return announcesBody(this.request);
  }

  /**
   * Receives the whole body as it was sent. When it stops early the connection stays open, so that a refusal can still
   * be sent.
   * @param keep - takes the bytes; what it returns is waited for before more is read
   * @param signal - ends the receiving with its reason
   * @throws ServiceError BODY_TOO_LARGE, BodyAbortedError (the client hung up), or what `keep` throws
   */
  receive(keep: (chunk: Buffer) => Promise<void> | undefined, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const { request, maxBytes } = this;
      let sent = 0;
      const finish = (error?: unknown) => {
        request.off('data', take).off('end', onEnd).off('error', abort).off('close', abort);
        signal?.removeEventListener('abort', onSignal);
        if (error === undefined) return resolve();
        request.pause();
        // What is thrown here is a ServiceError or a fault of ours, and both are Errors.
        reject(error as Error);
      };
      const onEnd = () => finish();
      const abort = (error?: unknown) => finish(new BodyAbortedError(error));
      const onSignal = () => finish(signal?.reason);
      const take = (chunk: Buffer) => {
        sent += chunk.length;
        try {
          if (sent > maxBytes) throw bodyTooLarge(maxBytes);
          const wait = keep(chunk);
          if (wait === undefined) return;
          request.pause();
          wait.then(() => request.resume(), finish);
        } catch (error) {
          finish(error);
        }
      };
      if (request.destroyed && !request.readableEnded) return abort();
      if (signal?.aborted) return onSignal();
      signal?.addEventListener('abort', onSignal, { once: true });
      request.on('data', take).once('end', onEnd).once('error', abort).once('close', abort);
    });
  }

  /**
   * The decoded bytes in pieces of at most {@link MAX_CHUNK_BYTES}. The whole body has been received already, so its
   * largest decoded size is known, and no client can keep a decoder open.
   * @param sent - the body as it was sent
   * @param sentBytes - how long that is
   * @throws ServiceError BODY_TOO_LARGE, INVALID_JSON (broken compression)
   */
  async *decode(sent: AsyncIterable<Buffer>, sentBytes: number): AsyncGenerator<Buffer, void, undefined> {
    if (sentBytes === 0) return;
    if (this.coding === 'identity') {
      for await (const chunk of sent) yield* inPieces(chunk);
      return;
    }
    const most = Math.min(this.maxBytes, FREE_DECODED_BYTES + sentBytes * MAX_DECODED_RATIO);
    let bytes = 0;
    for await (const chunk of decompress(sent, this.coding)) {
      bytes += chunk.length;
      if (bytes > most) throw most === this.maxBytes ? bodyTooLarge(this.maxBytes) : inflatedTooFar();
      yield chunk;
    }
  }
}

async function* decompress(
  sent: AsyncIterable<Buffer>,
  coding: 'gzip' | 'br',
): AsyncGenerator<Buffer, void, undefined> {
  const options = { chunkSize: MAX_CHUNK_BYTES };
  const decoder = coding === 'gzip' ? createGunzip(options) : createBrotliDecompress(options);
  const source = Readable.from(sent, { objectMode: true, highWaterMark: 1 });
  source.once('error', (error) => decoder.destroy(error));
  source.pipe(decoder);
  try {
    for await (const data of decoder) yield data as Buffer;
  } catch (error) {
    // Errors of the decoder have a code. Any other error, such as an unreadable disk, is not a fault of the body.
    if (!isDecoderError(error)) throw error;
    throw invalidJson(`The body is not valid ${coding}, as Content-Encoding says it is.`, error);
  } finally {
    source.destroy();
    decoder.destroy();
  }
}

function isDecoderError(error: unknown): boolean {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^(?:Z_|ERR__ERROR_)/.test(code);
}

function* inPieces(chunk: Buffer): Generator<Buffer, void, undefined> {
  for (let start = 0; start < chunk.length; start += MAX_CHUNK_BYTES)
    yield chunk.subarray(start, start + MAX_CHUNK_BYTES);
}

/** Whether the headers announce a body; it may turn out to be empty. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
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
  // RFC 9110 requires x-gzip to mean gzip. Two codings combined would multiply how far one byte can expand.
  const known = coding === 'x-gzip' ? 'gzip' : coding;
  if (further.length === 0 && (known === 'gzip' || known === 'br')) return known;
  throw unsupportedMediaType('Send the body as it is, or with Content-Encoding: gzip or br.', {
    'Accept-Encoding': 'gzip, br',
  });
}

function inflatedTooFar(): ServiceError {
  return new ServiceError(
    'BODY_TOO_LARGE',
    `The body expands to more than ${MAX_DECODED_RATIO} times its size when decompressed; compress it less, or not at all.`,
    { details: { max_ratio: MAX_DECODED_RATIO } },
  );
}

function bodyTooLarge(maxBytes: number): ServiceError {
  return new ServiceError('BODY_TOO_LARGE', `The body may hold ${maxBytes} bytes, counted after decompression.`, {
    details: { max_bytes: maxBytes },
  });
}
