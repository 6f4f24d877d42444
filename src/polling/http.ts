import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { constants, createGzip, type Gzip } from 'node:zlib';
import { Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { callerOf } from '../auth/caller.js';
import type { ResultsAnswer } from './results.service.js';

const logger = new Logger('Polling');

/**
 * The key id whose jobs the request may see. Null means those of every key; only the guard can allow this
 * (LEGACY_UNSIGNED_READS).
 */
export function readerKeyId(request: Request): string | null {
  const caller = callerOf(request);
  return caller.scheme === 'unsigned' ? null : caller.keyId;
}

/** Aborts when the client disconnects. */
export function hangUpSignal(response: Response): AbortSignal {
  const abort = new AbortController();
  if (response.destroyed) abort.abort();
  else response.once('close', () => abort.abort());
  return abort.signal;
}

/** Level 1, because higher levels take three times as long and save only a tenth more. */
const GZIP = { level: constants.Z_BEST_SPEED };

export interface SendOptions {
  /** Offers the answer as a file of this name. */
  readonly fileName?: string;
}

/**
 * Sends results with back-pressure, gzipped if the client accepts it. After the first bytes a failure closes the
 * connection, because a properly ended answer would look complete.
 */
export async function sendResults(
  request: Request,
  response: Response,
  answer: ResultsAnswer,
  options: SendOptions = {},
): Promise<void> {
  response.vary('Accept').vary('Accept-Encoding');
  if (answer.kind === 'running') {
    response.status(202).set('Retry-After', String(answer.retryAfterSeconds)).json(answer.body);
    return;
  }
  response.status(200).set('Content-Type', answer.contentType);
  if (options.fileName !== undefined) {
    response.set('Content-Disposition', `attachment; filename="${options.fileName}"`);
  }
  if (request.method === 'HEAD') {
    await answer.chunks.return();
    response.end();
    return;
  }
  const gzip = request.acceptsEncodings('gzip', 'identity') === 'gzip' ? createGzip(GZIP) : null;
  if (gzip !== null) response.set('Content-Encoding', 'gzip');
  try {
    await writeChunks(answer.chunks, response, gzip);
  } catch (error) {
    logger.error('sending results failed', { cause: (error as Error).stack });
    response.destroy();
  } finally {
    if (response.destroyed) gzip?.destroy();
  }
}

/**
 * Takes the next chunk after the one before has been sent, so a client that stops reading costs only one chunk of
 * memory.
 */
async function writeChunks(
  chunks: AsyncGenerator<Buffer, void, undefined>,
  response: Response,
  gzip: Gzip | null,
): Promise<void> {
  const target = gzip ?? response;
  gzip?.pipe(response);
  for await (const chunk of chunks) {
    if (!response.destroyed && !target.write(chunk)) await drained(target, response);
    if (response.destroyed) {
      logger.debug('the client disconnected while results were being sent');
      return;
    }
  }
  target.end();
}

/** Resolves when `target` has room for more, or the answer's connection is gone. */
async function drained(target: Writable, response: Response): Promise<void> {
  const closed = new AbortController();
  const onClose = () => closed.abort();
  response.once('close', onClose);
  try {
    await once(target, 'drain', { signal: closed.signal });
  } catch {
    // The client disconnected, or was disconnected because it stopped reading.
  } finally {
    response.off('close', onClose);
  }
}

/** A stream of server-sent events on an answer. */
export class EventSink {
  constructor(private readonly response: Response) {}

  open(): void {
    this.response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      // Without this nginx collects events until its buffer is full.
      'X-Accel-Buffering': 'no',
    });
    this.response.flushHeaders();
  }

  /** Resolves when the client can take more, so that a slow client gets fewer snapshots instead of a growing queue. */
  async send(text: string): Promise<void> {
    if (!this.response.destroyed && !this.response.write(text)) await drained(this.response, this.response);
  }

  end(): void {
    this.response.end();
  }
}
