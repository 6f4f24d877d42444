import { constants, createGzip, type Gzip } from 'node:zlib';
import { Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { drained } from './client-connection.js';
import type { ResultsAnswer } from './results.service.js';

const logger = new Logger('Polling');

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
  response.status(200).set('Content-Type', answer.contentType).set(answer.headers);
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
