import { invalid } from '../http/api-error.js';

const HEAD_END = Buffer.from('\r\n\r\n');
const MOST_HEAD_BYTES = 16 * 1024;
const MOST_FIELD_BYTES = 64 * 1024;

/** Where the parts of a form go. */
export interface MultipartSink {
  field(name: string, value: string): void;
  /** The beginning of a part with a file name; its bytes follow by `fileBytes`. */
  fileStart(name: string, filename: string): Promise<void>;
  fileBytes(bytes: Buffer): Promise<void>;
  fileEnd(): Promise<void>;
}

/**
 * Reads multipart/form-data as it comes in and never holds more than one chunk of a file.
 * @throws ApiError 400 for a body that is no such form or ends early
 */
export async function readMultipart(
  contentType: string | undefined,
  body: AsyncIterable<Buffer>,
  sink: MultipartSink,
): Promise<void> {
  const match = /^multipart\/form-data\s*;.*?boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType ?? '');
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw malformed('expected multipart/form-data with a boundary');
  const reader = new FormReader(Buffer.from(`\r\n--${boundary}`), sink);
  for await (const chunk of body) await reader.take(chunk);
  if (!reader.isComplete) throw malformed('the body ended before its last boundary');
}

type Part = { readonly name: string; readonly isFile: boolean };

class FormReader {
  isComplete = false;
  // The first boundary has no line end before it: one is put there, so that all boundaries look alike.
  private held: Buffer = Buffer.from('\r\n');
  private part: Part | null = null;
  private value: Buffer[] = [];
  private valueBytes = 0;
  private state: 'preamble' | 'after-boundary' | 'head' | 'body' = 'preamble';

  constructor(
    private readonly boundary: Buffer,
    private readonly sink: MultipartSink,
  ) {}

  async take(chunk: Buffer): Promise<void> {
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    while (!this.isComplete && (await this.step()));
  }

  /** One step forward; false when more bytes are needed. */
  private async step(): Promise<boolean> {
    switch (this.state) {
      case 'preamble':
      case 'body':
        return this.upToBoundary();
      case 'after-boundary':
        return this.afterBoundary();
      case 'head':
        return this.head();
    }
  }

  private async upToBoundary(): Promise<boolean> {
    const at = this.held.indexOf(this.boundary);
    if (at >= 0) {
      await this.content(this.held.subarray(0, at));
      await this.endPart();
      this.held = this.held.subarray(at + this.boundary.length);
      this.state = 'after-boundary';
      return true;
    }
    // The boundary may have begun at the end of what is held.
    const safe = this.held.length - this.boundary.length + 1;
    if (safe > 0) {
      await this.content(this.held.subarray(0, safe));
      this.held = this.held.subarray(safe);
    }
    return false;
  }

  private afterBoundary(): boolean {
    if (this.held.length < 2) return false;
    const next = this.held.toString('latin1', 0, 2);
    if (next === '--') {
      this.isComplete = true;
      return false;
    }
    if (next !== '\r\n') throw malformed('a boundary is followed by something else than a line end');
    this.state = 'head';
    return true;
  }

  private async head(): Promise<boolean> {
    // The line end after the boundary is still there, so that a part without headers is found too.
    const end = this.held.indexOf(HEAD_END);
    if (end < 0) {
      if (this.held.length > MOST_HEAD_BYTES) throw malformed('the headers of a part are too long');
      return false;
    }
    const head = this.held.toString('utf8', 2, end);
    this.held = this.held.subarray(end + HEAD_END.length);
    const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(head)?.[1] ?? '';
    const name = parameter(disposition, 'name');
    if (name === undefined) throw malformed('a part has no name');
    const filename = parameter(disposition, 'filename');
    this.part = { name, isFile: filename !== undefined };
    if (filename !== undefined) await this.sink.fileStart(name, filename);
    this.state = 'body';
    return true;
  }

  private async content(bytes: Buffer): Promise<void> {
    if (this.part === null || bytes.length === 0) return;
    if (this.part.isFile) {
      await this.sink.fileBytes(bytes);
      return;
    }
    this.valueBytes += bytes.length;
    if (this.valueBytes > MOST_FIELD_BYTES) throw malformed('a field is too long');
    this.value.push(Buffer.from(bytes));
  }

  private async endPart(): Promise<void> {
    if (this.part === null) return;
    if (this.part.isFile) await this.sink.fileEnd();
    else this.sink.field(this.part.name, Buffer.concat(this.value).toString('utf8'));
    this.part = null;
    this.value = [];
    this.valueBytes = 0;
  }
}

function parameter(disposition: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|[;\\s])${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(disposition);
  return match === null ? undefined : (match[1] ?? match[2] ?? '').replaceAll(/\\(.)/g, '$1');
}

function malformed(problem: string): Error {
  return invalid(`Could not parse multipart form: ${problem}.`, null, null);
}
