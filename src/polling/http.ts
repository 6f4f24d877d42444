import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { callerOf } from '../auth/caller.js';
import type { ResultsAnswer } from './results.service.js';

const logger = new Logger('Polling');

/** Whose jobs the request may see: null is any key's, which only the guard can let through (LEGACY_UNSIGNED_READS). */
export function readerKeyId(request: Request): string | null {
  const caller = callerOf(request);
  return caller.scheme === 'unsigned' ? null : caller.keyId;
}

/** Aborts when the client is gone. */
export function hangUpSignal(response: Response): AbortSignal {
  const abort = new AbortController();
  if (response.destroyed) abort.abort();
  else response.once('close', () => abort.abort());
  return abort.signal;
}

export interface SendOptions {
  /** Offers the answer as a file of this name. */
  readonly fileName?: string;
}

/**
 * Sends results with back-pressure, gzipped at level 1 where the client takes it: higher ones take three times as long
 * for a tenth less. Once bytes are out, a failure cuts the connection: closed JSON would pass for a whole answer.
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
  const chunks = Readable.from(answer.chunks, { objectMode: true, highWaterMark: 1 });
  if (request.method === 'HEAD') {
    chunks.destroy();
    response.end();
    return;
  }
  try {
    if (request.acceptsEncodings('gzip', 'identity') === 'gzip') {
      response.set('Content-Encoding', 'gzip');
      await pipeline(chunks, createGzip({ level: constants.Z_BEST_SPEED }), response);
    } else {
      await pipeline(chunks, response);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') {
      logger.debug('the client hung up while results were sent');
      return;
    }
    logger.error('sending results failed', { cause: (error as Error).stack });
    response.destroy();
  }
}

/** Seconds that a client may leave an event unread before its stream is cut. */
const STALLED_SECONDS = 60;

/** A stream of server-sent events on an answer. */
export class EventSink {
  constructor(private readonly response: Response) {}

  open(): void {
    this.response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      // nginx would collect events until its buffer is full.
      'X-Accel-Buffering': 'no',
    });
    this.response.flushHeaders();
  }

  /** Resolves when the client has room for more, so that a slow one gets fewer and later snapshots instead of a queue. */
  async send(text: string): Promise<void> {
    if (this.response.destroyed || this.response.write(text)) return;
    const stalled = setTimeout(() => this.response.destroy(), STALLED_SECONDS * 1000);
    const closed = new AbortController();
    const onClose = () => closed.abort();
    this.response.once('close', onClose);
    try {
      await once(this.response, 'drain', { signal: closed.signal });
    } catch {
      // Hung up; the caller's signal says so too.
    } finally {
      clearTimeout(stalled);
      this.response.off('close', onClose);
    }
  }

  end(): void {
    this.response.end();
  }
}
