import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Sink } from './spool.js';

/** Keeps compressed bytes in a temporary file that only this user can read. Browsers never load this module. */
export async function fileSink(): Promise<Sink> {
  const folder = await mkdtemp(join(tmpdir(), 'generation-service-'));
  const path = join(folder, 'lots.ndjson.gz');
  const gzip = createGzip();
  const written = pipeline(gzip, createWriteStream(path, { mode: 0o600 }));
  // A full disk is reported by the write that meets it, or by end().
  let failure: unknown = null;
  written.catch((error: unknown) => (failure = error));
  return {
    write: async (bytes) => {
      if (failure !== null) throw failure;
      if (!gzip.write(bytes)) await Promise.race([once(gzip, 'drain'), written]);
    },
    end: async () => {
      gzip.end();
      await written;
      const open = () => Promise.resolve(Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>);
      return { contentEncoding: 'gzip', open };
    },
    discard: async () => {
      gzip.destroy();
      await written.catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
