import type { IncomingMessage, ServerResponse } from 'node:http';
import { letContinue } from '../../common/expect-continue.js';
import type { RequestBody } from '../../common/request-body.js';
import type { SentBody } from '../../common/sent-body.js';
import type { Upload } from './upload.js';

interface Receiving {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: RequestBody;
  readonly sent: SentBody;
  readonly upload: Upload;
}

/**
 * Receives the whole body of an upload that was let in, as it is sent. The gate may cut it.
 * @throws ServiceError BODY_TOO_LARGE, BodyAbortedError, SERVICE_UNAVAILABLE (no room, too slow, displaced)
 */
export async function receiveUpload({ request, response, body, sent, upload }: Receiving): Promise<void> {
  if (body.isAnnounced) {
    const cutting = new AbortController();
    upload.cut = (error) => cutting.abort(error);
    letContinue(request, response);
    const keep = (chunk: Buffer): Promise<void> | undefined => {
      upload.received(chunk.length);
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
