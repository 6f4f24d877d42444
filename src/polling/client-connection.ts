import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Response } from 'express';

/** Resolves when `target` has room for more, or the answer's connection is gone. */
export async function drained(target: Writable, response: Response): Promise<void> {
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
