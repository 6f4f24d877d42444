import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CopyEncoder } from '../../database/copy-encoder.js';
import type { OpenTransaction, Transaction } from '../../database/database.service.js';
import { copyLots, LOT_INPUT_ROWS } from '../../jobs/lot-store.js';
import type { RequestedLot } from '../request/lot-rules.js';
import type { StraightCopy } from './straight-copy.js';

/** Rows up to this many bytes stay in memory, so that an ordinary request never touches the disk. */
const MEMORY_BYTES = 1024 * 1024;
/**
 * What a table's rows begin with: most requests have one lot, and keep its row until they are answered. With 64 KB each, 1,000
 * requests that waited for the model held 256 MB, for which garbage was collected all the time.
 */
const FIRST_BYTES = 1024;
/** Rows are handed on in pieces of this size. */
const PIECE_BYTES = 256 * 1024;
const READ_BYTES = 128 * 1024;
/**
 * The number of buffers used in turn for reading back. A stream between here and the socket holds two at most, since
 * each is larger than its high-water mark. New buffers for each piece would leave 60 MB of garbage at a time.
 */
const READ_BUFFERS = 4;

/** Counts bytes on disk against SPOOL_MAX_BYTES; throws when there is no room. */
export interface SpoolBudget {
  take(bytes: number): void;
  give(bytes: number): void;
}

/**
 * A request's lots as rows ready for COPY, in memory or, above 1 MiB, in two files. So nothing of an unproven request
 * reaches the database, and memory does not grow with the request. After the request is proven, the lots' inputs, which
 * are nearly all of its bytes, may go into the database at once: writing them to disk first and reading them back took
 * a fifth of the time.
 */
export class LotSpool {
  private readonly lots: RowSpool;
  private readonly inputs: RowSpool;
  private readonly jobId: Buffer;
  count = 0;

  constructor(folder: string, jobId: string, budget: SpoolBudget) {
    this.jobId = Buffer.from(jobId);
    this.lots = new RowSpool(join(folder, `${jobId}.lots`), budget);
    this.inputs = new RowSpool(join(folder, `${jobId}.inputs`), budget);
  }

  /**
   * The request is proven, so rows that do not fit in memory need not wait for its end.
   * @param open - called once, when there are such rows; null means that they still go to disk
   */
  copyStraight(open: (target: string) => Promise<StraightCopy | null>): void {
    this.inputs.openStraight = () => open(LOT_INPUT_ROWS);
  }

  add(lot: RequestedLot): void {
    this.begin(lot.lotId).text(lot.additionalInfo).json(lot.images).text(lot.webhook).endRow();
  }

  /**
   * Begins the next lot.
   * @returns the row of its inputs: the caller adds additional_info, images as JSON and webhook, and ends it
   */
  begin(lotId: string): CopyEncoder {
    const position = this.count;
    this.count += 1;
    this.lots.encoder.ready(this.jobId).integer(position).text(lotId).endRow();
    return this.inputs.encoder.ready(this.jobId).integer(position);
  }

  /** True when {@link drain} should be awaited before more is added. */
  get full(): boolean {
    return this.lots.full || this.inputs.full;
  }

  /** Moves gathered rows to the place where they wait: the disk, for a large request. */
  async drain(): Promise<void> {
    await Promise.all([this.lots.drain(), this.inputs.drain()]);
  }

  /**
   * The transaction that already holds rows of the request, to be committed with the rest; {@link discard} rolls it
   * back.
   * @returns null when all rows wait here
   * @throws pg's error for those rows
   */
  async begun(): Promise<OpenTransaction | null> {
    return (await this.inputs.straight?.end()) ?? null;
  }

  /** Copies all rows into the database that are not there yet; `tx` is the intake's transaction. */
  async copyInto(tx: Transaction): Promise<void> {
    await copyLots(tx, this.lots.rows(), this.inputs.straight === undefined ? this.inputs.rows() : null);
  }

  /** The rows of both tables, in the order in which they are COPYed. */
  get files(): readonly { rows(): AsyncIterable<Buffer> }[] {
    return [this.lots, this.inputs];
  }

  async discard(): Promise<void> {
    await Promise.all([this.lots.discard(), this.inputs.discard()]);
  }
}

/** Rows of one table: few of them stay in memory; when there are more, all go to disk or into the database. */
class RowSpool {
  openStraight: (() => Promise<StraightCopy | null>) | undefined;
  straight: StraightCopy | undefined;
  private made: CopyEncoder | undefined;
  private readonly pieces: Buffer[] = [];
  private inMemory = 0;
  private onDisk = 0;
  private handle: FileHandle | undefined;

  constructor(
    private readonly path: string,
    private readonly budget: SpoolBudget,
  ) {}

  /** Created with the first row, because thousands of uploads may be waiting. */
  get encoder(): CopyEncoder {
    return (this.made ??= new CopyEncoder(FIRST_BYTES));
  }

  get full(): boolean {
    return this.made !== undefined && this.made.size >= PIECE_BYTES;
  }

  async drain(): Promise<void> {
    if (this.made === undefined || this.made.size === 0) return;
    if (this.handle === undefined && this.straight === undefined) {
      if (this.inMemory + this.encoder.size <= MEMORY_BYTES) {
        const piece = this.encoder.take();
        this.inMemory += piece.length;
        this.pieces.push(piece);
        return;
      }
      this.straight = (await this.openStraight?.()) ?? undefined;
      if (this.straight === undefined) this.handle = await open(this.path, 'wx+', 0o600);
      for (const piece of this.pieces.splice(0)) await this.append(piece);
      this.inMemory = 0;
    }
    await this.encoder.writeTo((rows) => this.append(rows));
  }

  async *rows(): AsyncGenerator<Buffer> {
    await this.drain();
    yield* this.pieces;
    const { handle } = this;
    if (handle === undefined) return;
    const buffers = Array.from({ length: READ_BUFFERS }, () => Buffer.allocUnsafeSlow(READ_BYTES));
    for (let at = 0, turn = 0; at < this.onDisk; turn++) {
      const { bytesRead, buffer } = await handle.read(buffers[turn % READ_BUFFERS] as Buffer, 0, READ_BYTES, at);
      if (bytesRead === 0) throw new Error('a spool file is shorter than what was written to it');
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  private async append(rows: Buffer): Promise<void> {
    if (this.straight !== undefined) return this.straight.append(rows);
    this.budget.take(rows.length);
    const at = this.onDisk;
    this.onDisk += rows.length;
    for (let written = 0; written < rows.length;) {
      const { bytesWritten } = await (this.handle as FileHandle).write(
        rows,
        written,
        rows.length - written,
        at + written,
      );
      written += bytesWritten;
    }
  }

  async discard(): Promise<void> {
    this.pieces.length = 0;
    await this.straight?.discard();
    const { handle } = this;
    if (handle === undefined) return;
    this.handle = undefined;
    await handle.close();
    await rm(this.path, { force: true });
    this.budget.give(this.onDisk);
    this.onDisk = 0;
  }
}
