// Downloads whose bytes are compared, as fast as they come or slowly.
import { createHash } from 'node:crypto';
import { pause, signed } from '../prove/stage.mjs';

/** The path of a job's file. */
export function fileOf(jobId, query = '') {
  return `/api/v1/batch-results/${jobId}/download?format=ndjson${query}`;
}

/**
 * Downloads a file.
 * @param options.bytesASecond - reads no faster than this
 * @param options.onBytes - called with what has come so far
 * @returns its fingerprint and length; `cut` where the connection broke
 */
export async function download(origin, path, { bytesASecond = Infinity, onBytes = () => {} } = {}) {
  const response = await signed(origin, path);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  const hash = createHash('sha256');
  const begun = performance.now();
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(bytes);
      const early = (bytes / bytesASecond) * 1000 - (performance.now() - begun);
      if (early > 0) await pause(early);
    }
  } catch (error) {
    return { cut: error.cause?.code ?? error.message, bytes };
  }
  return { sha256: hash.digest('hex'), bytes };
}
