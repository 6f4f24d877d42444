import type { Request, Response } from 'express';

/** What a refused upload may still send before its connection is cut; whichever is reached first. */
export interface DrainBounds {
  readonly bytes: number;
  readonly milliseconds: number;
}

/** Most clients read no answer before they have sent all, so most bodies must fit; no client may hold us for longer. */
const DRAIN: DrainBounds = { bytes: 32 * 1024 * 1024, milliseconds: 10_000 };

/**
 * Answers before the body was read. Closing at once would reset the connection under the client's writing, and it would
 * see a broken pipe instead of the answer; so the rest is read and thrown away, up to a bound.
 * @param text - the answer's JSON; status and further headers are set already
 */
export function answerUpload(request: Request, response: Response, text: string, bounds = DRAIN): void {
  response.set({ Connection: 'close', 'Content-Type': 'application/json; charset=utf-8' });
  response.set('Content-Length', String(Buffer.byteLength(text)));
  // Not ended yet: Node closes the connection at the end of such an answer, whatever of the request is unread.
  response.write(text);
  let left = bounds.bytes;
  const end = () => {
    clearTimeout(timer);
    request.off('data', count).pause();
    response.end();
  };
  const count = (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
  };
  const timer = setTimeout(end, bounds.milliseconds);
  timer.unref();
  // What a reader left behind (a pipe into a decoder) must not hold the stream back.
  request.unpipe();
  request.on('data', count).once('end', end).once('close', end);
  request.resume();
  if (request.readableEnded || request.destroyed) end();
}
