import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ApiError } from '../http/api-error.js';
import { isObject, type JsonObject } from '../json.js';
import type { SandboxClock } from '../sandbox-clock.js';
import { newObjectId } from '../seeded.js';
import { StateFiles } from '../state-files.js';

/** A file as it is kept beside its bytes; times in seconds since 1970. */
export interface FileRecord {
  readonly id: string;
  readonly bytes: number;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly filename: string;
  readonly purpose: string;
  /** Rises with every file, since many are made within a second. */
  readonly sequence: number;
}

const MONTH_SECONDS = 30 * 86_400;

/** Files on disk: `<id>.json` describes a file, `<id>.bin` holds its bytes and is written first. */
export class FileStore {
  private readonly records = new Map<string, FileRecord>();
  private sequence = 0;

  private constructor(
    private readonly state: StateFiles,
    private readonly clock: SandboxClock,
  ) {}

  static async open(folder: string, clock: SandboxClock): Promise<FileStore> {
    await mkdir(folder, { recursive: true });
    const store = new FileStore(await new StateFiles(folder).prepare(), clock);
    for (const document of await store.state.readAll()) {
      if (!isRecord(document)) continue;
      store.records.set(document.id, document);
      store.sequence = Math.max(store.sequence, document.sequence);
    }
    // Bytes without a record are from an upload that a kill interrupted.
    for (const name of await readdir(folder)) {
      if (name.endsWith('.bin') && !store.records.has(name.slice(0, -4))) await rm(join(folder, name), { force: true });
    }
    return store;
  }

  /** A new file to write to; it exists for others once `keep` is called. */
  async draft(): Promise<FileDraft> {
    const id = newObjectId('file-', 12);
    const path = this.path(id);
    return new FileDraft(await open(path, 'w'), path, async (bytes, facts) => {
      const created = this.clock.seconds();
      const isBatch = facts.purpose === 'batch' || facts.purpose === 'batch_output';
      const lives = facts.lifeSeconds ?? (isBatch ? MONTH_SECONDS : null);
      const record: FileRecord = {
        id,
        bytes,
        created_at: created,
        expires_at: lives === null ? null : created + lives,
        filename: facts.filename,
        purpose: facts.purpose,
        sequence: ++this.sequence,
      };
      await this.state.write(id, record);
      this.records.set(id, record);
      return record;
    });
  }

  /** undefined when it never existed, was deleted or has expired. */
  find(id: string): FileRecord | undefined {
    const record = this.records.get(id);
    const expired = record !== undefined && record.expires_at !== null && record.expires_at <= this.clock.seconds();
    return expired ? undefined : record;
  }

  /** @throws ApiError 404 in OpenAI's words */
  require(id: string): FileRecord {
    const record = this.find(id);
    if (record === undefined) throw new ApiError(404, `No such File object: ${id}`, { param: 'id' });
    return record;
  }

  /** All files that have not expired, oldest first. */
  list(): FileRecord[] {
    return [...this.records.values()]
      .filter(({ id }) => this.find(id) !== undefined)
      .toSorted((a, b) => a.sequence - b.sequence);
  }

  read(id: string, highWaterMark = 256 * 1024): Readable {
    return createReadStream(this.path(id), { highWaterMark });
  }

  async delete(id: string): Promise<void> {
    this.records.delete(id);
    await this.state.remove(id);
    await rm(this.path(id), { force: true });
  }

  private path(id: string): string {
    return join(this.state.folder, `${id}.bin`);
  }
}

export interface FileFacts {
  readonly filename: string;
  readonly purpose: string;
  /** Seconds until it expires; null: 30 days for what belongs to batches, never for the rest. */
  readonly lifeSeconds: number | null;
}

/** A file while it is written. */
export class FileDraft {
  bytes = 0;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;

  constructor(
    private readonly handle: FileHandle,
    private readonly path: string,
    private readonly save: (bytes: number, facts: FileFacts) => Promise<FileRecord>,
  ) {}

  /** Adds bytes; they reach the disk in pieces of 256 KiB. */
  async write(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    if (this.waitingBytes >= 256 * 1024) await this.flush();
  }

  async keep(facts: FileFacts): Promise<FileRecord> {
    await this.flush();
    await this.handle.close();
    return this.save((await stat(this.path)).size, facts);
  }

  async discard(): Promise<void> {
    await this.handle.close();
    await rm(this.path, { force: true });
  }

  private async flush(): Promise<void> {
    const pieces = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    if (pieces.length > 0) await this.handle.writev(pieces);
  }
}

/** The File object as OpenAI shows it. */
export function fileObject(record: FileRecord): JsonObject {
  const { id, bytes, created_at, expires_at, filename, purpose } = record;
  const status = { status: 'processed' };
  return { object: 'file', id, purpose, filename, bytes, created_at, expires_at, ...status };
}

function isRecord(document: JsonObject): document is JsonObject & FileRecord {
  return isObject(document) && typeof document['id'] === 'string' && typeof document['sequence'] === 'number';
}
