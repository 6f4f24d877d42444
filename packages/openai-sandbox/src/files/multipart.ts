import busboy from 'busboy';
import type { Readable } from 'node:stream';
import { ApiError, invalid } from '../http/api-error.js';

const MOST_FIELD_BYTES = 64 * 1024;

/** Where the parts of a form go. */
export interface MultipartSink {
  field(name: string, value: string): void;
  /** The beginning of a part with a file name; its bytes follow by `fileBytes`. */
  fileStart(name: string, filename: string): Promise<void>;
  fileBytes(bytes: Buffer): Promise<void>;
}

/**
 * Reads multipart/form-data as it comes in and never holds more than a chunk of a file.
 * @throws ApiError 400 for a body that is no such form or ends early, and whatever the sink throws
 */
export async function readMultipart(
  contentType: string | undefined,
  body: Readable,
  sink: MultipartSink,
): Promise<void> {
  const parser = openParser(contentType);
  /** Files are taken one after the other: the parser waits for each to be read. */
  let taken: Promise<void> = Promise.resolve();
  try {
    await new Promise<void>((resolve, reject) => {
      parser.on('field', (name, value, { valueTruncated }) => {
        if (valueTruncated) reject(malformed('a field is too long'));
        else sink.field(name, value);
      });
      parser.on('file', (name, stream, { filename }) => {
        taken = taken.then(() => takeFile(name, stream, filename, sink));
        taken.catch(reject);
      });
      parser.once('error', (error) => reject(malformed((error as Error).message)));
      parser.once('close', resolve);
      body.once('error', reject);
      body.pipe(parser);
    });
    await taken;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw body.errored ?? error;
  } finally {
    body.unpipe(parser);
  }
}

function openParser(contentType: string | undefined): busboy.Busboy {
  try {
    return busboy({
      headers: { 'content-type': contentType ?? '' },
      defParamCharset: 'utf8',
      limits: { fieldSize: MOST_FIELD_BYTES },
    });
  } catch {
    throw malformed('expected multipart/form-data with a boundary');
  }
}

async function takeFile(name: string, stream: Readable, filename: string, sink: MultipartSink): Promise<void> {
  await sink.fileStart(name, filename);
  for await (const bytes of stream) await sink.fileBytes(bytes as Buffer);
}

function malformed(problem: string): ApiError {
  return invalid(`Could not parse multipart form: ${problem}.`, null, null);
}
