import { Injectable, Logger } from '@nestjs/common';
import { Database, type Transaction } from '../../database/database.service.js';
import { JobStore } from '../../jobs/job-store.js';
import { sumOfMoves, type LotMoves } from '../../jobs/lot-moves.js';
import { ShardStore, type ShardClaim } from './shard-store.js';
import { countCost } from '../../describe/cost-metrics.js';
import type { Chunk } from './chunk.js';
import { CostGuard } from '../limits/cost-guard.js';
import { DescribedLots, type LotOutcome } from './described-lots.js';
import { JobAdvance } from './job-advance.js';
import { JobEndedError } from './job-ended.js';
import { bisect, isUnforeseen, kindOf } from '../lines/unforeseen.js';

/** Commits a chunk of lines. Each chunk counts once, and a lot that cannot be written does not affect the others. */
@Injectable()
export class ChunkWriter {
  private readonly logger = new Logger(ChunkWriter.name);

  constructor(
    private readonly database: Database,
    private readonly jobs: JobStore,
    private readonly shards: ShardStore,
    private readonly lots: DescribedLots,
    private readonly advance: JobAdvance,
    private readonly costs: CostGuard,
  ) {}

  /**
   * Writes results, lots, cursor, usage, counters, and the job's end if this was its last chunk, in one transaction.
   * @param keptUsd - the most in USD that answers without usage may have cost
   */
  async commit(claim: ShardClaim, chunk: Chunk, keptUsd: number): Promise<void> {
    const outcomes = [...chunk.outcomes.values()].sort((a, b) => a.position - b.position);
    try {
      await this.write(claim, chunk, keptUsd, (tx) => this.together(tx, chunk, outcomes));
    } catch (error) {
      if (error instanceof JobEndedError) return this.count(claim, chunk, keptUsd);
      if (!isUnforeseen(error)) throw error;
      this.logger.error('a chunk of lines cannot be written; its lots are tried by halves', {
        job_id: chunk.jobId,
        stage: chunk.stage,
        reason: kindOf(error),
      });
      await this.commitByHalves(claim, chunk, keptUsd, outcomes);
    }
  }

  private async commitByHalves(claim: ShardClaim, chunk: Chunk, keptUsd: number, outcomes: readonly LotOutcome[]) {
    try {
      await this.write(claim, chunk, keptUsd, (tx) => this.apart(tx, chunk, outcomes));
    } catch (error) {
      if (!(error instanceof JobEndedError)) throw error;
      await this.count(claim, chunk, keptUsd);
    }
  }

  private async write(
    claim: ShardClaim,
    chunk: Chunk,
    keptUsd: number,
    lots: (tx: Transaction) => Promise<LotMoves>,
  ): Promise<void> {
    await this.advance.commit(chunk.jobId, async (tx) => {
      const moves = await lots(tx);
      await this.move(tx, claim, chunk, keptUsd);
      return moves;
    });
    countCosts(chunk);
  }

  /**
   * The job was cancelled or has ended: the usage of the answers is counted, because it is billed, and the rest is
   * dropped.
   */
  private async count(claim: ShardClaim, chunk: Chunk, keptUsd: number): Promise<void> {
    await this.database.transaction((tx) => this.move(tx, claim, chunk, keptUsd));
    countCosts(chunk);
  }

  private async move(tx: Transaction, claim: ShardClaim, chunk: Chunk, keptUsd: number): Promise<void> {
    await this.shards.step(tx, claim, { cursor_file: chunk.file, cursor_bytes: chunk.end });
    if (keptUsd > 0) await this.costs.keep(tx, claim, keptUsd);
    await this.jobs.addUsage(tx, chunk.jobId, chunk.usage.rows());
  }

  private together(tx: Transaction, chunk: Chunk, outcomes: readonly LotOutcome[]): Promise<LotMoves> {
    return this.lots.write(tx, chunk.jobId, chunk.stage, outcomes, chunk.rows);
  }

  /**
   * Writes the chunk by halves, each behind a savepoint. It is still one transaction, because usage must count once.
   */
  private async apart(tx: Transaction, chunk: Chunk, outcomes: readonly LotOutcome[]): Promise<LotMoves> {
    let sum: LotMoves = {};
    const behindSavepoint = async (part: readonly LotOutcome[]) => {
      await tx.execute('savepoint lots');
      try {
        const moves = await this.together(tx, chunk, part);
        await tx.execute('release savepoint lots');
        sum = sumOfMoves(sum, moves);
      } catch (error) {
        await tx.execute('rollback to savepoint lots');
        await tx.execute('release savepoint lots');
        throw error;
      }
    };
    const culprits = await bisect(outcomes, behindSavepoint);
    for (const { item, error } of culprits) {
      const { position, attempt } = item;
      const facts = { job_id: chunk.jobId, stage: chunk.stage, position };
      this.logger.error('the outcome of a lot cannot be written', { ...facts, reason: kindOf(error) });
      // Treated as a useless answer. A lot that cannot even be moved stays behind until the shard ends, and is moved
      // then.
      await bisect([{ position, attempt, outcome: { kind: 'retry' } } satisfies LotOutcome], behindSavepoint);
    }
    return sum;
  }
}

/** Counts what the answers of a chunk that was written have cost. */
function countCosts(chunk: Chunk): void {
  for (const row of chunk.usage.rows()) countCost(row, 'batch');
}
