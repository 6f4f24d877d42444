import { Sha256, toHex } from './sha256.js';

/** A body that can be sent more than once, and its sum for the signature. */
export interface Body {
  readonly contentType: string;
  readonly contentEncoding?: 'gzip';
  /** SHA-256 in hex, of the bytes before they were compressed. */
  readonly digest: string;
  open(): Promise<string | Blob | ReadableStream<Uint8Array>>;
  /** Removes what it keeps on disk. */
  discard(): Promise<void>;
}

/** Where the compressed bytes of a spool go. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  /** Ends it; afterwards the bytes can be read. */
  end(): Promise<Pick<Body, 'open' | 'contentEncoding'>>;
  discard(): Promise<void>;
}

/** Lines are hashed and passed on at about this many characters, because a call for each costs more than its work. */
const CHUNK = 64 * 1024;

/**
 * Writes lines away while it hashes them: the signature stands in the headers, before the body, so the body must be
 * whole before its first byte is sent. Memory stays flat; in Node a temporary file holds it, in browsers a Blob.
 */
export async function spoolLines(lines: AsyncIterable<string>, sink: Sink): Promise<Body> {
  const sum = new Sha256();
  const utf8 = new TextEncoder();
  const flush = async (text: string): Promise<void> => {
    const bytes = utf8.encode(text);
    sum.update(bytes);
    await sink.write(bytes);
  };
  try {
    let pending = '';
    for await (const line of lines) {
      pending += `${line}\n`;
      if (pending.length < CHUNK) continue;
      await flush(pending);
      pending = '';
    }
    if (pending !== '') await flush(pending);
    const bytes = await sink.end();
    const digest = toHex(sum.digest());
    return { contentType: 'application/x-ndjson', digest, ...bytes, discard: () => sink.discard() };
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

/** A temporary file in Node, Deno and Bun; otherwise, as in browsers, a Blob. */
export async function openSink(): Promise<Sink> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (process?.versions?.node === undefined) return blobSink();
  const { fileSink } = await import('./file-sink.js');
  return fileSink();
}

/** Keeps the compressed bytes in a Blob, which browsers keep on disk when it is large. */
export function blobSink(): Sink {
  if (typeof CompressionStream === 'undefined') return plainBlobSink();
  const compressed = new CompressionStream('gzip');
  const blob = new Response(compressed.readable).blob();
  // It fails together with the writer, which reports it.
  blob.catch(() => undefined);
  const writer = compressed.writable.getWriter();
  return {
    write: (bytes) => writer.write(bytes),
    end: async () => {
      await writer.close();
      const whole = await blob;
      return { contentEncoding: 'gzip', open: () => Promise.resolve(whole) };
    },
    discard: () => writer.abort().catch(() => undefined),
  };
}

/** For browsers from before CompressionStream. */
function plainBlobSink(): Sink {
  const parts: Blob[] = [];
  return {
    write: async (bytes) => void parts.push(new Blob([bytes])),
    end: async () => {
      const whole = new Blob(parts);
      return { open: () => Promise.resolve(whole) };
    },
    discard: () => Promise.resolve(),
  };
}
