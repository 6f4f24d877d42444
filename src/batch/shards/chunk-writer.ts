import { Injectable, Logger } from '@nestjs/common';
import { Database, type Transaction } from '../../database/database.service.js';
import { JobStore, type LotMoves } from '../../jobs/job-store.js';
import { ShardStore, type ShardClaim } from './shard-store.js';
import type { Chunk } from './chunk.js';
import { CostGuard } from '../limits/cost-guard.js';
import { DescribedLots, type LotOutcome } from './described-lots.js';
import { JobAdvance } from './job-advance.js';
import { JobEndedError } from './job-ended.js';
import { bisect, isUnforeseen, kindOf } from '../lines/unforeseen.js';

/** Commits what a chunk of lines brought: each chunk counts once, and no lot costs another its result. */
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
   * One transaction: results, lots, cursor, usage, counters, and the job's end if this was the last of it.
   * @param keptUsd - the most that answers may have cost which do not tell
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
  }

  /** Cancelled, or over: what OpenAI answered is billed all the same, and nothing else of it is kept. */
  private async count(claim: ShardClaim, chunk: Chunk, keptUsd: number): Promise<void> {
    await this.database.transaction((tx) => this.move(tx, claim, chunk, keptUsd));
  }

  private async move(tx: Transaction, claim: ShardClaim, chunk: Chunk, keptUsd: number): Promise<void> {
    await this.shards.step(tx, claim, { cursor_file: chunk.file, cursor_bytes: chunk.end });
    if (keptUsd > 0) await this.costs.keep(tx, claim, keptUsd);
    await this.jobs.addUsage(tx, chunk.jobId, chunk.usage.rows());
  }

  private together(tx: Transaction, chunk: Chunk, outcomes: readonly LotOutcome[]): Promise<LotMoves> {
    return this.lots.write(tx, chunk.jobId, chunk.stage, outcomes, chunk.rows);
  }

  /** In one transaction all the same, because the chunk's usage must count once: each half behind a savepoint. */
  private async apart(tx: Transaction, chunk: Chunk, outcomes: readonly LotOutcome[]): Promise<LotMoves> {
    const sum: Record<string, number> = {};
    const behindSavepoint = async (part: readonly LotOutcome[]) => {
      await tx.execute('savepoint lots');
      try {
        const moves = await this.together(tx, chunk, part);
        await tx.execute('release savepoint lots');
        for (const [name, count] of Object.entries(moves)) sum[name] = (sum[name] ?? 0) + Number(count);
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
      this.logger.error('what became of a lot cannot be written', { ...facts, reason: kindOf(error) });
      // As an answer of no use; what cannot even be moved is left over at the shard's end, and moved with the rest.
      await bisect([{ position, attempt, outcome: { kind: 'retry' } } satisfies LotOutcome], behindSavepoint);
    }
    return sum;
  }
}
