import { describedStatus, type ModelStage } from '../../jobs/states.js';
import type { DescribedLot } from '../../jobs/lot-store.js';
import { UsageSum } from '../../jobs/usage-sum.js';
import { translationTry } from './tries.js';
import type { LotOutcome } from './described-lots.js';
import type { LineLot, LineOutcome } from '../lines/line-outcome.js';
import { ResultRows } from '../../jobs/result-rows.js';

/** Some lines of a batch's file that are committed together. */
export class Chunk {
  /** The outcome of each lot by position. The last line of a lot counts, but the first description wins. */
  readonly outcomes = new Map<number, LotOutcome>();
  readonly described = new Set<number>();
  readonly responses = new Set<string>();
  readonly usage = new UsageSum();
  readonly rows: ResultRows;
  /** Positions of lots whose answers do not say what they cost; null for a line that does not even name its lot. */
  readonly unknownCosts: (number | null)[] = [];

  /**
   * @param end - the offset in the file after the last line, in bytes
   * @param earlier - ids of the responses in the chunk before, which may not be committed yet
   * @param half - the chunk may be stored already without being counted: its cursor and its cost are written after its lots where
   *   those lie on another server
   */
  constructor(
    readonly jobId: string,
    readonly stage: ModelStage,
    private readonly shardTry: number,
    readonly file: 'output' | 'error',
    public end: number,
    private readonly earlier: ReadonlySet<string>,
    createdAt: string,
    private readonly half = false,
  ) {
    this.rows = new ResultRows(jobId, createdAt);
  }

  /** Whether a line of this response was read before. The response is remembered. */
  isRepeat(responseId: string, lot: LineLot): boolean {
    const repeat =
      responseId !== '' &&
      (this.responses.has(responseId) ||
        this.earlier.has(responseId) ||
        (!this.half && lot.seenResponse === responseId));
    this.responses.add(responseId);
    return repeat;
  }

  /** Adds an outcome. @throws when the rows of a description cannot be encoded; nothing of the lot is kept then */
  add(lot: LineLot, attempt: number, outcome: LineOutcome): void {
    const { position } = lot;
    if (outcome.kind === 'failed') {
      const failed = { position, error: outcome.error, missingImages: lot.missing };
      const rows = outcome.row === undefined ? undefined : this.rows.add(position, [outcome.row]);
      const kept = { kind: 'failed', lot: failed, ...(rows === undefined ? {} : { rows }) } as const;
      this.outcomes.set(position, { position, attempt, outcome: kept });
    } else if (outcome.kind !== 'described') {
      this.outcomes.set(position, { position, attempt, outcome: { kind: outcome.kind } });
    } else {
      const translating = outcome.renderedBytes === 0;
      const described: DescribedLot = {
        position,
        status: describedStatus(translating),
        attempt: translating ? translationTry(this.shardTry) : lot.attempt,
        renderedBytes: outcome.renderedBytes,
        missing: null,
      };
      const rows = this.rows.add(position, outcome.results);
      this.outcomes.set(position, {
        position,
        attempt,
        outcome: {
          kind: 'described',
          rows,
          lot: described,
          ...(outcome.assessment === undefined ? {} : { assessment: outcome.assessment }),
        },
      });
      this.described.add(position);
    }
  }
}
