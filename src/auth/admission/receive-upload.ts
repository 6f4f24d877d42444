import type { IncomingMessage, ServerResponse } from 'node:http';
import { letContinue } from '../../common/expect-continue.js';
import type { RequestBody } from '../../common/request-body.js';
import type { SentBody } from '../../common/sent-body.js';
import { ServiceError } from '../../common/service-error.js';
import type { Upload } from './upload.js';

interface Receiving {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: RequestBody;
  readonly sent: SentBody;
  readonly upload: Upload;
}

/**
 * After this many pieces a body is judged by their size, because reading a piece of one byte takes as long as reading
 * one of 64 KB.
 */
const JUDGED_PIECES = 1000;
/**
 * The smallest average size of a piece. Encoders that send each token by itself (Python's iterencode) reach seven bytes
 * and more.
 */
const LEAST_PIECE_BYTES = 4;

/**
 * Receives the whole body of an upload that was let in, as it is sent. The gate may cut it.
 * @throws ServiceError BODY_TOO_LARGE, BodyAbortedError, SERVICE_UNAVAILABLE (no room, too slow, displaced),
 * RATE_LIMITED (in pieces of a few bytes)
 */
export async function receiveUpload({ request, response, body, sent, upload }: Receiving): Promise<void> {
  if (body.isAnnounced) {
    const cutting = new AbortController();
    upload.cut = (error) => cutting.abort(error);
    letContinue(request, response);
    let pieces = 0;
    const keep = (chunk: Buffer): Promise<void> | undefined => {
      upload.received(chunk.length);
      if (++pieces >= JUDGED_PIECES && upload.receivedBytes < pieces * LEAST_PIECE_BYTES) {
        upload.failed();
        throw tooManyPieces();
      }
      const wait = sent.add(chunk);
      if (wait === undefined) return undefined;
      upload.hold();
      return wait.then(() => upload.resume());
    };
    await body.receive(keep, cutting.signal);
    upload.cut = undefined;
  }
  upload.arrived = true;
  await sent.end();
}

function tooManyPieces(): ServiceError {
  return new ServiceError('RATE_LIMITED', 'The body arrives in pieces of a few bytes each; send it in larger pieces.', {
    headers: { 'Retry-After': '30' },
  });
}
