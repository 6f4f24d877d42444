import type { Request, Response } from 'express';
import { connectionOf, MUCH_BYTES } from './connections/connections.js';

/** What a refused upload may still send before its connection is cut. The first limit that is reached counts. */
export interface DrainBounds {
  readonly bytes: number;
  readonly milliseconds: number;
  /** Without {@link MUCH_BYTES}. */
  readonly quietMilliseconds: number;
}

const MIB = 1024 * 1024;

/**
 * Most clients read no answer before they have sent everything, so most bodies must fit. No client may keep the
 * connection longer.
 */
const DRAIN: DrainBounds = { bytes: 64 * MIB, milliseconds: 10_000, quietMilliseconds: 2000 };

/**
 * What all refused uploads together may still send. The bytes are thrown away unread, but receiving them costs time.
 */
const BURST_BYTES = 256 * MIB;
const BYTES_PER_MS = (64 * MIB) / 1000;

/**
 * Answers before the body was read. Closing at once would reset the connection while the client is still writing, and
 * the client would see a broken pipe instead of the answer. So the rest is received and thrown away, up to a limit.
 * @param text - the answer's JSON; status and further headers are set already
 */
export function refuseUpload(request: Request, response: Response, text: string, bounds = DRAIN): void {
  response.set({ Connection: 'close', 'Content-Type': 'application/json; charset=utf-8' });
  response.set('Content-Length', String(Buffer.byteLength(text)));
  // The answer is not ended yet: at its end Node closes the connection, even if part of the request is still unread.
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
  // A pipe that a reader left behind (into a decoder, for example) must not stop the stream.
  request.unpipe();
  request.once('close', end);
  // Where possible the bytes are not even parsed, because nothing will read them.
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
