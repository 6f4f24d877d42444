import type { Response } from 'express';

/** Aborts when the client disconnects. */
export function hangUpSignal(response: Response): AbortSignal {
  const abort = new AbortController();
  if (response.destroyed) abort.abort();
  else response.once('close', () => abort.abort());
  return abort.signal;
}
