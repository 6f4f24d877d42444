import { JobRunningError } from './errors.js';
import type { ResultsOptions } from './options.js';
import { readLines } from './read-lines.js';
import { downloadTarget, resultsTarget } from './targets.js';
import { broken, type Call, type Transport } from './transport.js';
import type { LotResult } from './types.js';

/** Lots of a page of a file: as much as is kept in memory, and as is asked for again after a cut. */
const PAGE = 500;

/** Reads the results of jobs, whatever cuts the connection. */
export class ResultReader {
  constructor(private readonly transport: Transport) {}

  async *lots(jobId: string, options: ResultsOptions): AsyncGenerator<LotResult, void, undefined> {
    let { after } = options;
    for (let attempt = 1; ; attempt++) {
      const call = {
        method: 'GET' as const,
        target: resultsTarget(jobId, options, after),
        headers: { Accept: 'application/x-ndjson' },
        signal: options.signal,
      };
      const lines = readLines(await bodyOf(jobId, await this.transport.send(call)));
      try {
        for (;;) {
          const { value: line, done } = await nextLine(lines, call);
          if (done === true) return;
          const lot = JSON.parse(line) as LotResult;
          after = lot.lot_id;
          attempt = 1;
          yield lot;
        }
      } catch (error) {
        await this.transport.pause(attempt, error, options.signal);
      } finally {
        await lines.return();
      }
    }
  }

  /** One document, which cannot be gone on with: a cut is an error of the stream. */
  async document(jobId: string, options: ResultsOptions): Promise<ReadableStream<Uint8Array>> {
    const target = downloadTarget(jobId, { ...options, format: 'json' });
    return bodyOf(jobId, await this.transport.send({ method: 'GET', target, signal: options.signal }));
  }

  /** Rows or lines, by pages, so that after a cut only a page is asked for again. */
  async rows(
    jobId: string,
    options: ResultsOptions & { format: 'ndjson' | 'csv' },
  ): Promise<ReadableStream<Uint8Array>> {
    const { format } = options;
    // Now, so that a job that runs is an error of the call and not of the stream.
    const first = await this.page(jobId, options, options.after);
    let next: string | null = null;
    return new ReadableStream<Uint8Array>({
      start: (stream) => {
        stream.enqueue(first.bytes);
        next = first.next;
        if (next === null) stream.close();
      },
      pull: async (stream) => {
        const page = await this.page(jobId, options, next ?? undefined);
        stream.enqueue(format === 'csv' ? withoutNames(page.bytes) : page.bytes);
        next = page.next;
        if (next === null) stream.close();
      },
    });
  }

  private async page(
    jobId: string,
    options: ResultsOptions & { format: 'ndjson' | 'csv' },
    after: string | undefined,
  ): Promise<{ bytes: Uint8Array; next: string | null }> {
    const target = downloadTarget(jobId, { ...options, limit: PAGE }, after);
    const call = { method: 'GET' as const, target, signal: options.signal };
    for (let attempt = 1; ; attempt++) {
      const response = await this.transport.send(call);
      await refuseRunning(jobId, response);
      try {
        const bytes = new Uint8Array(await response.arrayBuffer());
        if (bytes.length > 0 && bytes.at(-1) !== LINE_END) throw new Error('the answer ended in the middle of a line');
        return { bytes, next: response.headers.get('X-Next-Cursor') };
      } catch (cause) {
        await this.transport.pause(attempt, broken(call, cause), options.signal);
      }
    }
  }
}

const LINE_END = 10;

/** Every page of a CSV file begins with the names of the columns; the file has them once. */
function withoutNames(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(bytes.indexOf(LINE_END) + 1);
}

async function bodyOf(jobId: string, response: Response): Promise<ReadableStream<Uint8Array>> {
  await refuseRunning(jobId, response);
  if (response.body === null) throw new TypeError('this fetch gives no streams');
  return response.body;
}

async function refuseRunning(jobId: string, response: Response): Promise<void> {
  if (response.status !== 202) return;
  const { status } = (await response.json()) as { status: string };
  throw new JobRunningError(jobId, status);
}

/** The next line; a failure to read it is a broken connection, unlike what the caller of the iterator throws. */
async function nextLine(
  lines: AsyncGenerator<string, void, undefined>,
  call: Call,
): Promise<{ value: string; done?: false } | { value: void; done: true }> {
  try {
    return (await lines.next()) as { value: string; done?: false } | { value: void; done: true };
  } catch (cause) {
    call.signal?.throwIfAborted();
    throw broken(call, cause);
  }
}
