import { CopyEncoder, NulByteError } from '../database/copy-encoder.js';
import { storable, withStorableNames, type NewResult } from './new-result.js';

/** The columns that {@link ResultRows} writes, in this order. */
export const RESULT_COLUMNS = `(job_id, position, language, revision, html, strings, fallback, assessment, needs_review, raw,
  model, prompt_version, schema_version, response_id, usage, created_at)`;

/** Size in bytes after which a new block begins: copying one ever larger buffer would block the event loop. */
const BLOCK_BYTES = 512 * 1024;
/** Bytes that a lot's rows usually fit into; longer ones make their block grow. */
const ROOM_BYTES = 64 * 1024;

/** Where a lot's rows are in the encoded bytes. */
export interface RowRange {
  readonly block: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Results in COPY's format, kept separately for each lot: only under the lots' locks is it known which may be written.
 */
export class ResultRows {
  private readonly encoder = new CopyEncoder(BLOCK_BYTES);
  private readonly blocks: Buffer[] = [];
  private blockBytes = 0;

  constructor(
    private readonly jobId: string,
    private readonly createdAt: string,
    private readonly revision = 0,
  ) {}

  get size(): number {
    return this.blockBytes + this.encoder.size;
  }

  /** Encodes the rows of one lot. @throws when one of them cannot be encoded; nothing of the lot is kept then */
  add(position: number, results: readonly NewResult[]): RowRange {
    if (this.encoder.size > BLOCK_BYTES - ROOM_BYTES) this.endBlock();
    const start = this.encoder.size;
    try {
      this.encode(position, results.map(withStorableNames));
    } catch (error) {
      // Also drop the rows before the bad one: a lot has all of its languages or none.
      this.encoder.dropTo(start);
      if (!(error instanceof NulByteError)) throw error;
      this.encodeOdd(position, results, start);
    }
    return { block: this.blocks.length, start, end: this.encoder.size };
  }

  /**
   * Used only after the usual way has failed: checking every text of every answer costs more than everything else here.
   */
  private encodeOdd(position: number, results: readonly NewResult[], start: number): void {
    try {
      this.encode(position, results.map(storable));
    } catch (error) {
      this.encoder.dropTo(start);
      throw error;
    }
  }

  private encode(position: number, results: readonly NewResult[]): void {
    for (const result of results) {
      this.encoder
        .text(this.jobId)
        .integer(position)
        .text(result.language)
        .integer(this.revision)
        .text(result.html)
        .json(result.strings)
        .boolean(result.fallback)
        .json(result.assessment)
        .json(result.needsReview)
        .json(result.raw)
        .text(result.model)
        .text(result.promptVersion)
        .text(result.schemaVersion)
        .text(result.responseId)
        .json(result.usage)
        .text(this.createdAt)
        .endRow();
    }
  }

  /** Takes the rows of the accepted lots; neighbouring ones are joined into one buffer. */
  take(accepted: readonly RowRange[]): Buffer[] {
    this.endBlock();
    const pieces: { block: number; start: number; end: number }[] = [];
    for (const range of accepted) {
      const last = pieces.at(-1);
      if (last?.block === range.block && last.end === range.start) last.end = range.end;
      else pieces.push({ ...range });
    }
    return pieces.map(({ block, start, end }) => (this.blocks[block] as Buffer).subarray(start, end));
  }

  private endBlock(): void {
    this.blockBytes += this.encoder.size;
    this.blocks.push(this.encoder.take());
  }
}
