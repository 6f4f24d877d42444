import type { Request, Response } from 'express';
import { connectionOf, MUCH_BYTES } from './connections/connections.js';

/** What a refused upload may still send before its connection is cut; whichever is reached first. */
export interface DrainBounds {
  readonly bytes: number;
  readonly milliseconds: number;
  /** Without {@link MUCH_BYTES}. */
  readonly quietMilliseconds: number;
}

const MIB = 1024 * 1024;

/** Most clients read no answer before they have sent all, so most bodies must fit; no client may hold us for longer. */
const DRAIN: DrainBounds = { bytes: 64 * MIB, milliseconds: 10_000, quietMilliseconds: 2000 };

/** What all refused uploads together may send on: it is thrown away unread, but not for nothing. */
const BURST_BYTES = 256 * MIB;
const BYTES_PER_MS = (64 * MIB) / 1000;

/**
 * Answers before the body was read. Closing at once would reset the connection under the client's writing, and it would
 * see a broken pipe instead of the answer; so the rest is thrown away, up to a bound.
 * @param text - the answer's JSON; status and further headers are set already
 */
export function refuseUpload(request: Request, response: Response, text: string, bounds = DRAIN): void {
  response.set({ Connection: 'close', 'Content-Type': 'application/json; charset=utf-8' });
  response.set('Content-Length', String(Buffer.byteLength(text)));
  // Not ended yet: Node closes the connection at the end of such an answer, whatever of the request is unread.
  response.write(text);
  const connection = connectionOf(request);
  const announced = Number(request.headers['content-length'] ?? Number.NaN);
  let left = bounds.bytes;
  let sinceMuch = 0;
  let missing = announced - (connection?.bodyBytes ?? 0);
  const end = () => {
    clearTimeout(timer);
    clearTimeout(quiet);
    request.off('data', countChunk).pause();
    response.end();
  };
  const count = (bytes: number) => {
    left -= bytes;
    missing -= bytes;
    sinceMuch += bytes;
    if (sinceMuch >= MUCH_BYTES) {
      sinceMuch = 0;
      quiet.refresh();
    }
    if (left < 0 || missing <= 0 || !allowed.take(bytes)) end();
  };
  const countChunk = (chunk: Buffer) => count(chunk.length);
  const timer = setTimeout(end, bounds.milliseconds).unref();
  const quiet = setTimeout(end, bounds.quietMilliseconds).unref();
  // What a reader left behind (a pipe into a decoder) must not hold the stream back.
  request.unpipe();
  request.once('close', end);
  // Bytes that nobody will read are not even parsed where that can be helped.
  if (connection !== undefined) connection.discard(count);
  else {
    missing = Number.NaN;
    request.on('data', countChunk).once('end', end).resume();
  }
  if (missing <= 0 || request.readableEnded || request.destroyed) end();
}

/** A bucket that fills at a steady rate. */
class Allowance {
  private bytes = BURST_BYTES;
  private at = performance.now();

  take(bytes: number): boolean {
    const now = performance.now();
    this.bytes = Math.min(BURST_BYTES, this.bytes + (now - this.at) * BYTES_PER_MS) - bytes;
    this.at = now;
    return this.bytes >= 0;
  }
}

const allowed = new Allowance();
