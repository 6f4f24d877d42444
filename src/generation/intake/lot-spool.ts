import { createReadStream, type ReadStream } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CopyEncoder } from '../../database/copy-encoder.js';
import { copyRows } from '../../database/copy-rows.js';
import type { Transaction } from '../../database/database.service.js';
import type { RequestedLot } from '../request/lot-rules.js';

/** Rows up to this many bytes stay in memory: an ordinary request never touches the disk. */
const MEMORY_BYTES = 1024 * 1024;
/** Rows are handed on in pieces of this size. */
const PIECE_BYTES = 256 * 1024;

const LOTS = 'batch_lots (job_id, position, lot_id)';
const INPUTS = 'batch_lot_inputs (job_id, position, additional_info, images, webhook)';

/** Counts bytes on disk against SPOOL_MAX_BYTES; throws when there is no room. */
export interface SpoolBudget {
  take(bytes: number): void;
  give(bytes: number): void;
}

/**
 * A request's lots as rows ready to be COPYed, in memory or, beyond 1 MiB, in two files: nothing of an unproven request
 * reaches the database, and memory does not grow with it.
 */
export class LotSpool {
  private readonly lots: RowFile;
  private readonly inputs: RowFile;
  private readonly jobId: Buffer;
  count = 0;

  constructor(folder: string, jobId: string, budget: SpoolBudget) {
    this.jobId = Buffer.from(jobId);
    this.lots = new RowFile(join(folder, `${jobId}.lots`), budget);
    this.inputs = new RowFile(join(folder, `${jobId}.inputs`), budget);
  }

  add(lot: RequestedLot): void {
    const position = this.count;
    this.count += 1;
    this.lots.encoder.ready(this.jobId).integer(position).text(lot.lotId).endRow();
    this.inputs.encoder
      .ready(this.jobId)
      .integer(position)
      .text(lot.additionalInfo)
      .json(lot.images)
      .text(lot.webhook)
      .endRow();
  }

  /** True when {@link drain} should be awaited before more is added. */
  get full(): boolean {
    return this.lots.full || this.inputs.full;
  }

  /** Moves what has gathered to where it waits, disk for a large request. */
  async drain(): Promise<void> {
    await Promise.all([this.lots.drain(), this.inputs.drain()]);
  }

  /** COPYs all rows in; `tx` is the intake's transaction. */
  async copyInto(tx: Transaction): Promise<void> {
    await copyRows(tx.client, LOTS, this.lots.rows());
    await copyRows(tx.client, INPUTS, this.inputs.rows());
  }

  async discard(): Promise<void> {
    await Promise.all([this.lots.discard(), this.inputs.discard()]);
  }
}

class RowFile {
  readonly encoder = new CopyEncoder();
  private readonly pieces: Buffer[] = [];
  private inMemory = 0;
  private onDisk = 0;
  private handle: FileHandle | undefined;

  constructor(
    private readonly path: string,
    private readonly budget: SpoolBudget,
  ) {}

  get full(): boolean {
    return this.encoder.size >= PIECE_BYTES;
  }

  async drain(): Promise<void> {
    const piece = this.encoder.take();
    if (piece.length === 0) return;
    this.pieces.push(piece);
    this.inMemory += piece.length;
    if (this.inMemory <= MEMORY_BYTES && this.handle === undefined) return;
    this.handle ??= await open(this.path, 'wx', 0o600);
    this.budget.take(this.inMemory);
    this.onDisk += this.inMemory;
    await this.handle.writev(this.pieces);
    this.pieces.length = 0;
    this.inMemory = 0;
  }

  async *rows(): AsyncGenerator<Buffer> {
    if (this.handle !== undefined) {
      const file: ReadStream = createReadStream(this.path, { highWaterMark: PIECE_BYTES });
      for await (const piece of file) yield piece as Buffer;
    }
    yield* this.pieces;
    const rest = this.encoder.take();
    // Kept: a transaction that is run again must find the same rows.
    if (rest.length > 0) {
      this.pieces.push(rest);
      yield rest;
    }
  }

  async discard(): Promise<void> {
    this.pieces.length = 0;
    if (this.handle === undefined) return;
    await this.handle.close();
    await rm(this.path, { force: true });
    this.handle = undefined;
    this.budget.give(this.onDisk);
    this.onDisk = 0;
  }
}
