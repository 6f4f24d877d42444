import { CopyEncoder } from '../database/copy-encoder.js';
import type { NewResult } from '../jobs/new-result.js';

/** The columns that {@link ResultRows} writes, in its order. */
export const RESULT_COLUMNS = `batch_results (job_id, position, language, revision, html, strings, fallback, assessment, raw,
  model, prompt_version, schema_version, response_id, usage, created_at)`;

/** Where a lot's rows lie in the encoded bytes. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** Rows of batch_results in COPY's format, kept lot by lot: which lots may be written is only known under their locks. */
export class ResultRows {
  private readonly encoder = new CopyEncoder();

  constructor(
    private readonly jobId: string,
    private readonly createdAt: string,
  ) {}

  get size(): number {
    return this.encoder.size;
  }

  /** Encodes the rows of one lot. @throws NulByteError when a text cannot be stored; nothing of the lot is kept then */
  add(position: number, results: readonly NewResult[]): RowRange {
    const start = this.encoder.size;
    for (const result of results) {
      this.encoder
        .text(this.jobId)
        .integer(position)
        .text(result.language)
        .integer(0)
        .text(result.html)
        .json(result.strings)
        .boolean(result.fallback)
        .json(result.assessment)
        .json(result.raw)
        .text(result.model)
        .text(result.promptVersion)
        .text(result.schemaVersion)
        .text(result.responseId)
        .json(result.usage)
        .text(this.createdAt)
        .endRow();
    }
    return { start, end: this.encoder.size };
  }

  /** The accepted lots' rows, joined where they lie side by side. */
  take(accepted: readonly RowRange[]): Buffer[] {
    const bytes = this.encoder.take();
    const pieces: { start: number; end: number }[] = [];
    for (const { start, end } of accepted) {
      const last = pieces.at(-1);
      if (last?.end === start) last.end = end;
      else pieces.push({ start, end });
    }
    return pieces.map(({ start, end }) => bytes.subarray(start, end));
  }
}
