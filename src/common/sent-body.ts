import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';

/** Bodies up to this size stay in memory if there is room, so that an ordinary request never touches the disk. */
const MEMORY_BYTES = 1024 * 1024;
/** Smaller pieces are gathered first, because a body may arrive byte by byte and each piece has a cost of its own. */
const SMALL_BYTES = 4 * 1024;
/** The size of the first gathering buffer. Most bodies that stall send no more than this. */
const FIRST_BYTES = 256;
/** The most bytes that may wait to be written if memory is granted; otherwise only what was received at once. */
const WRITE_AHEAD_BYTES = 512 * 1024;
const READ_BYTES = 128 * 1024;
/** A stream between this class and its reader holds at most two of them. */
const READ_BUFFERS = 4;

/** Counts a body's bytes. */
export interface BodyRoom {
  /** false: there is no memory for them. */
  takeMemory(bytes: number): boolean;
  giveMemory(bytes: number): void;
  /** The refusal when there is neither memory nor disk space. */
  full(): Error;
  /** Disk; throws when there is none. */
  take(bytes: number): void;
  give(bytes: number): void;
}

/**
 * A body as it was sent, compressed or not: kept until its signature can be judged, and read then. Nothing of it is
 * decoded or parsed while it comes in, so a client that stalls holds no more than it sent.
 */
export class SentBody {
  /** Bytes so far. */
  size = 0;
  private readonly hash: Hash = createHash('sha256');
  private digest: string | undefined;
  private pieces: Buffer[] = [];
  /** Bytes of `pieces`. */
  private waiting = 0;
  private gathered: Buffer | undefined;
  private gatheredBytes = 0;
  private granted = 0;
  private handle: FileHandle | undefined;
  private onDisk = 0;
  private writing: Promise<void> | undefined;
  /** Why writing to disk failed; thrown with the next bytes, or at the end. */
  private failure: unknown;
  private discarded = false;

  /** @param path - where the body may go; null for a body so small that memory is always granted */
  constructor(
    private readonly path: string | null,
    private readonly room: BodyRoom,
  ) {}

  /**
   * Keeps the next bytes.
   * @returns undefined, or a promise to wait for before more is added
   * @throws what the room throws
   */
  add(chunk: Buffer): Promise<void> | undefined {
    this.throwFailure();
    this.size += chunk.length;
    if (chunk.length < SMALL_BYTES) return this.gather(chunk);
    void this.flushGathered();
    return this.keep(chunk);
  }

  /** To be called after the last bytes. */
  async end(): Promise<void> {
    void this.flushGathered();
    await this.writing;
    this.throwFailure();
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** SHA-256 of the bytes as sent, lower-case hex; after the end. */
  sha256Hex(): string {
    return (this.digest ??= this.hash.digest('hex'));
  }

  /** The bytes in pieces of up to 128 KiB, each valid until the third after it; after the end. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    const { handle } = this;
    if (handle === undefined) {
      yield* this.pieces;
      return;
    }
    const buffers = Array.from({ length: READ_BUFFERS }, () => Buffer.allocUnsafeSlow(READ_BYTES));
    const read = (turn: number) =>
      handle.read(buffers[turn % READ_BUFFERS] as Buffer, 0, READ_BYTES, turn * READ_BYTES);
    let next = this.onDisk === 0 ? undefined : read(0);
    for (let turn = 0; next !== undefined; turn++) {
      const { bytesRead, buffer } = await next;
      const end = turn * READ_BYTES + bytesRead;
      if (bytesRead < READ_BYTES && end < this.onDisk)
        throw new Error('a body on disk is shorter than what was written');
      next = end < this.onDisk ? read(turn + 1) : undefined;
      // A reader that stops early must not leave an error without a listener.
      next?.catch(() => undefined);
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Gives back all that is held; may be called again. */
  async discard(): Promise<void> {
    this.discarded = true;
    this.pieces = [];
    this.gathered = undefined;
    this.room.giveMemory(this.granted);
    this.granted = 0;
    await this.writing;
    const { handle, path } = this;
    if (handle === undefined || path === null) return;
    this.handle = undefined;
    await handle.close();
    await rm(path, { force: true });
    this.room.give(this.onDisk);
    this.onDisk = 0;
  }

  private gather(chunk: Buffer): Promise<void> | undefined {
    let wait: Promise<void> | undefined;
    for (let from = 0; from < chunk.length;) {
      this.gathered ??= Buffer.allocUnsafeSlow(this.size < FIRST_BYTES ? FIRST_BYTES : SMALL_BYTES);
      const copied = chunk.copy(this.gathered, this.gatheredBytes, from);
      from += copied;
      this.gatheredBytes += copied;
      if (this.gatheredBytes === this.gathered.length) wait = this.flushGathered() ?? wait;
    }
    return wait;
  }

  private flushGathered(): Promise<void> | undefined {
    if (this.gathered === undefined || this.gatheredBytes === 0) return undefined;
    const piece = this.gathered.subarray(0, this.gatheredBytes);
    this.gathered = undefined;
    this.gatheredBytes = 0;
    return this.keep(piece);
  }

  private keep(piece: Buffer): Promise<void> | undefined {
    this.hash.update(piece);
    this.pieces.push(piece);
    this.waiting += piece.length;
    if (this.handle === undefined && this.writing === undefined) {
      if (this.waiting <= MEMORY_BYTES && this.grant(piece.length)) return undefined;
      if (this.path === null) throw this.room.full();
      this.keepWriteAhead();
    }
    this.writing ??= this.write();
    return this.waiting > this.granted ? this.writing : undefined;
  }

  /** Bytes that were kept in memory now only wait to be written, so less memory is needed. */
  private keepWriteAhead(): void {
    if (this.granted === 0) this.grant(WRITE_AHEAD_BYTES);
    const spare = this.granted - WRITE_AHEAD_BYTES;
    if (spare <= 0) return;
    this.room.giveMemory(spare);
    this.granted = WRITE_AHEAD_BYTES;
  }

  private grant(bytes: number): boolean {
    if (!this.room.takeMemory(bytes)) return false;
    this.granted += bytes;
    return true;
  }

  private async write(): Promise<void> {
    try {
      // Only after `writing` is set: it is cleared in the same step in which nothing is left to write.
      await Promise.resolve();
      this.handle ??= await open(this.path as string, 'wx+', 0o600);
      while (this.pieces.length > 0 && !this.discarded) {
        const pieces = this.pieces;
        const bytes = this.waiting;
        this.pieces = [];
        this.room.take(bytes);
        const at = this.onDisk;
        this.onDisk += bytes;
        await writeAll(this.handle, pieces, at);
        this.waiting -= bytes;
      }
    } catch (error) {
      this.failure = error;
      this.pieces = [];
    } finally {
      this.writing = undefined;
    }
  }
}

/** Writes every byte, however few the system takes at a time. */
async function writeAll(handle: FileHandle, pieces: readonly Buffer[], from: number): Promise<void> {
  let at = from;
  let left = [...pieces];
  while (left.length > 0) {
    let { bytesWritten } = await handle.writev(left, at);
    at += bytesWritten;
    while (left.length > 0 && bytesWritten >= (left[0] as Buffer).length)
      bytesWritten -= (left.shift() as Buffer).length;
    if (left.length > 0 && bytesWritten > 0) left = [(left[0] as Buffer).subarray(bytesWritten), ...left.slice(1)];
  }
}
