import type { Clock } from '../common/clock.js';
import { underDeadline } from './deadline.js';
import { brokenBody, toOpenAiError } from './to-openai-error.js';

/** The answer to one download request, read chunk by chunk. */
export class FileDownload {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** Bytes to skip, because a server without ranges sends the file from the beginning again. */
  private toSkip: number;
  private readonly garbled: boolean;

  constructor(
    response: Response,
    position: number,
    private readonly clock: Clock,
    private readonly limits: { idleTimeoutMs: number; deadlineAt: number; signal: AbortSignal | undefined },
  ) {
    this.reader = response.body?.getReader();
    // This is a part of compressed bytes, so its place in the file is not known.
    this.garbled = response.status === 206 && response.headers.has('content-encoding');
    const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
    this.toSkip = response.status === 206 ? position - Number(start ?? position) : position;
  }

  /** The next bytes after the position, or undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = await this.read();
      if (chunk === undefined) {
        // The file is shorter than what was read before: it is another file than the cursor's, or it was cut off
        // without an error.
        if (this.toSkip > 0) throw brokenBody({ status: 200 });
        return undefined;
      }
      if (this.toSkip < 0 || this.garbled) throw brokenBody({ status: 206 });
      const rest = chunk.subarray(Math.min(this.toSkip, chunk.length));
      this.toSkip -= chunk.length - rest.length;
      if (rest.length > 0) return rest;
    }
  }

  async close(): Promise<void> {
    await this.reader?.cancel().catch(() => undefined);
  }

  private async read(): Promise<Buffer | undefined> {
    const { reader } = this;
    if (reader === undefined) return undefined;
    const { idleTimeoutMs, deadlineAt, signal } = this.limits;
    try {
      const limits = { deadlineAt: Math.min(deadlineAt, this.clock.now() + idleTimeoutMs), signal };
      const { done, value } = await underDeadline(this.clock, limits, () => reader.read());
      return done ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    } catch (thrown) {
      const error = toOpenAiError(thrown, this.clock.now());
      throw error.kind === 'connection' ? brokenBody({ cause: thrown }) : error;
    }
  }
}
