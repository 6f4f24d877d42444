import type { IncomingMessage } from 'node:http';
import { ApiError, invalid, missingParameter, wrongValue } from '../http/api-error.js';
import type { FileDraft, FileRecord, FileStore } from './file-store.js';
import { readMultipart, type MultipartSink } from './multipart.js';

const PURPOSES = ['assistants', 'batch', 'evals', 'fine-tune', 'user_data', 'vision'];
const MOST_FILE_BYTES = 512 * 1024 * 1024;
/** The server's own figure for batch inputs. */
export const MOST_BATCH_BYTES = 209_715_200;
const LIFE = { least: 3600, most: 2_592_000 };

/**
 * POST /v1/files: streamed to disk as it comes in.
 * @throws ApiError 400 for a malformed form, 413 for too many bytes; nothing of the file is kept then
 */
export async function receiveUpload(request: IncomingMessage, files: FileStore): Promise<FileRecord> {
  const form = new UploadForm(files);
  try {
    await readMultipart(request.headers['content-type'], request, form);
    return await form.keep();
  } catch (error) {
    await form.discard();
    throw error;
  }
}

class UploadForm implements MultipartSink {
  private readonly fields = new Map<string, string>();
  private draft: FileDraft | null = null;
  private filename = '';
  private kept = false;

  constructor(private readonly files: FileStore) {}

  field(name: string, value: string): void {
    this.fields.set(name, value);
  }

  async fileStart(name: string, filename: string): Promise<void> {
    if (name !== 'file') throw invalid(`Unknown parameter: '${name}'.`, name, 'unknown_parameter');
    if (this.draft !== null) throw invalid('Only one file can be uploaded at a time.', 'file', null);
    this.draft = await this.files.draft();
    this.filename = filename;
  }

  async fileBytes(bytes: Buffer): Promise<void> {
    await this.draft?.write(bytes);
    // Fields may come after the file: what the purpose allows is judged once more at the end.
    const most = this.fields.get('purpose') === 'batch' ? MOST_BATCH_BYTES : MOST_FILE_BYTES;
    if (this.draft !== null && this.draft.bytes > most) throw tooLarge(most);
  }

  async keep(): Promise<FileRecord> {
    const purpose = this.fields.get('purpose');
    if (this.draft === null) throw missingParameter('file');
    if (purpose === undefined) throw missingParameter('purpose');
    if (!PURPOSES.includes(purpose)) throw wrongValue('purpose', purpose, PURPOSES);
    if (purpose === 'batch') {
      if (this.draft.bytes > MOST_BATCH_BYTES) throw tooLarge(MOST_BATCH_BYTES);
      if (!this.filename.endsWith('.jsonl')) {
        throw invalid('Invalid file format for Batch API. Must be .jsonl', 'file', 'invalid_file_format');
      }
    }
    const record = await this.draft.keep({ filename: this.filename, purpose, lifeSeconds: this.lifeSeconds() });
    this.kept = true;
    return record;
  }

  async discard(): Promise<void> {
    if (!this.kept) await this.draft?.discard();
  }

  private lifeSeconds(): number | null {
    const anchor = this.fields.get('expires_after[anchor]');
    const text = this.fields.get('expires_after[seconds]');
    if (anchor === undefined && text === undefined) return null;
    if (anchor !== 'created_at') throw wrongValue('expires_after.anchor', anchor, ['created_at']);
    const seconds = Number(text);
    if (!Number.isInteger(seconds) || seconds < LIFE.least || seconds > LIFE.most) {
      const message = `Invalid 'expires_after.seconds': expected a value from ${LIFE.least} to ${LIFE.most}.`;
      throw invalid(message, 'expires_after.seconds', 'invalid_value');
    }
    return seconds;
  }
}

function tooLarge(most: number): ApiError {
  return new ApiError(413, `The file is too large. Maximum file size is ${most} bytes.`, { param: 'file' });
}
