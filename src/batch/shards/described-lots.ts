import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import type { Transaction } from '../../database/database.service.js';
import { failuresOf, type LotMoves } from '../../jobs/lot-moves.js';
import { LotStore, type DescribedLot, type FailedLot, type LockedLot } from '../../jobs/lot-store.js';
import type { ResultRows, RowRange } from '../../jobs/result-rows.js';
import { completeAssessments, copyResults, type LateAssessment } from '../../jobs/result-store.js';
import { STAGE_STATUS, type ModelStage } from '../../jobs/states.js';
import { directTry, nextTry } from './tries.js';

/** The outcome of one lot, before its lock is held. */
export interface LotOutcome {
  readonly position: number;
  /** The number of the try that the outcome comes from. */
  readonly attempt: number;
  readonly outcome:
    /** `assessment`: as it is now that late texts are written. */
    | { readonly kind: 'described'; readonly rows: RowRange; readonly lot: DescribedLot; readonly assessment?: unknown }
    | { readonly kind: 'retry' | 'direct' }
    /** `rows` keep an answer of which nothing is published. */
    | { readonly kind: 'failed'; readonly lot: FailedLot; readonly rows?: RowRange };
}

/** Writes the outcomes of one stage under the lots' locks: results by COPY, then the lots' states. */
@Injectable()
export class DescribedLots {
  constructor(
    private readonly lots: LotStore,
    private readonly clock: Clock,
  ) {}

  /**
   * An error counts only while the lot is still on the try that it comes from. A description counts as long as the lot
   * waits for one. The outcomes that count are written.
   * @returns how many lots moved, by which the caller advances the job's counters
   */
  async write(
    tx: Transaction,
    jobId: string,
    stage: ModelStage,
    outcomes: readonly LotOutcome[],
    rows: ResultRows,
  ): Promise<LotMoves> {
    const positions = outcomes.map((outcome) => outcome.position);
    const locked = new Map((await this.lots.lock(tx, jobId, positions)).map((lot) => [lot.position, lot]));
    const accepted = outcomes.filter((outcome) => isWanted(outcome, stage, locked.get(outcome.position)));
    const described: DescribedLot[] = [];
    const ranges: RowRange[] = [];
    const late: LateAssessment[] = [];
    const failed: FailedLot[] = [];
    const moved: { position: number; attempt: number }[] = [];
    for (const { position, attempt, outcome } of accepted) {
      if (outcome.kind === 'described') {
        described.push(outcome.lot);
        ranges.push(outcome.rows);
        if (outcome.assessment !== undefined) late.push({ position, assessment: outcome.assessment });
      } else if (outcome.kind === 'failed') {
        failed.push(outcome.lot);
        if (outcome.rows !== undefined) ranges.push(outcome.rows);
      } else {
        moved.push({ position, attempt: outcome.kind === 'retry' ? nextTry(attempt) : directTry(attempt) });
      }
    }
    await copyResults(tx, rows.take(ranges));
    await completeAssessments(tx, jobId, late);
    await this.lots.described(tx, jobId, described, this.clock.date());
    if (failed.length > 0) await this.lots.fail(tx, jobId, failed);
    await this.lots.setTries(
      tx,
      jobId,
      moved.map((lot) => lot.position),
      moved.map((lot) => lot.attempt),
    );
    const translating = described.filter((lot) => lot.status === 'translating').length;
    const left = -(described.length + failed.length);
    // The job's count of photos is the sum of its lots' counts: subtract photos that the model was not shown after all.
    const images = described.reduce(
      (sum, { position, seen }) =>
        sum + (seen === undefined ? 0 : seen - (locked.get(position)?.processed_images ?? seen)),
      0,
    );
    return {
      images,
      ...(stage === 'vision'
        ? { awaitingVision: left, awaitingTranslation: translating }
        : { awaitingTranslation: left }),
      processed: described.length - translating,
      failed: failuresOf(failed),
    };
  }
}

function isWanted(outcome: LotOutcome, stage: ModelStage, lot: LockedLot | undefined): boolean {
  if (lot === undefined || lot.status !== STAGE_STATUS[stage]) return false;
  return outcome.outcome.kind === 'described' || outcome.attempt === lot.attempt;
}
