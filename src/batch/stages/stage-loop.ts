import { Logger } from '@nestjs/common';
import { listenFreely } from '../../common/abort-signals.js';
import { inSpan } from '../../common/spans.js';
import { LeaseLostError } from '../../database/lease.js';
import { countLostLease } from '../../database/lease-metrics.js';
import type { Leases } from '../../database/leases.service.js';
import { mayBeHalfWritten, type ShardClaim, type ShardStore } from '../shards/shard-store.js';
import { OpenAiError } from '../../openai/errors.js';
import { MOST_FAILURES, type Stage } from './stage.js';
import { isUnforeseen } from '../lines/unforeseen.js';

/** Seconds until a shard is worked on again after OpenAI failed. Its row stays as it was. */
const RETRY_SECONDS = 10;

/**
 * Runs one stage in this process. It claims as many shards as it has places for, works on them side by side, and claims
 * again when places become free. Any number of processes may run it at once.
 */
export class StageLoop {
  private readonly logger = new Logger(StageLoop.name);
  private readonly underWay = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private claiming: Promise<void> | undefined;
  private woken = false;

  constructor(
    private readonly stage: Stage,
    private readonly leases: Leases,
    private readonly shards: ShardStore,
    private readonly sql: Parameters<ShardStore['letGo']>[0],
    private readonly onProgress: () => void,
    private readonly setRight: (jobId: string) => Promise<void>,
  ) {}

  /** Claims the shards that are due and starts the work on them; resolves once the work has started. */
  async fill(): Promise<void> {
    this.woken = true;
    this.claiming ??= this.claimAll().finally(() => (this.claiming = undefined));
    await this.claiming;
  }

  /** Resolves when no work is under way. */
  async idle(): Promise<void> {
    while (this.underWay.size > 0 || this.claiming !== undefined) {
      await this.claiming;
      await Promise.all(this.underWay);
    }
  }

  /** Stops claiming. Work under way ends at its next commit and gives its shard back. */
  stop(): void {
    this.stopping.abort(new Error('the process is stopping'));
  }

  private async claimAll(): Promise<void> {
    while (this.woken && !this.stopping.signal.aborted) {
      this.woken = false;
      const free = this.stage.atOnce - this.underWay.size;
      if (free <= 0) return;
      const claims = await this.stage.claim(free);
      for (const claim of claims) this.start(claim);
      // The claim filled every place, so more shards may be due.
      this.woken ||= claims.length > 0 && this.underWay.size < this.stage.atOnce;
    }
  }

  private start(claim: ShardClaim): void {
    const work = this.work(claim).finally(() => {
      this.underWay.delete(work);
      this.onProgress();
    });
    this.underWay.add(work);
  }

  private async work(claim: ShardClaim): Promise<void> {
    const facts = { stage: this.stage.name, job_id: claim.row.job_id, first_position: claim.row.first_position };
    try {
      // The claim was under way when the process was told to stop.
      this.stopping.signal.throwIfAborted();
      // The shard must be given up; the last try to do so failed.
      if (claim.row.failures >= MOST_FAILURES) return await this.fail(claim, facts);
      await this.run(claim);
    } catch (error) {
      if (error instanceof LeaseLostError) {
        countLostLease('shard');
        this.logger.warn('a shard was taken over', facts);
        return;
      }
      if (this.stopping.signal.aborted) return this.handBack(claim, 0);
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof OpenAiError) {
        this.logger.warn('a stage waits for OpenAI', { ...facts, reason });
        return this.handBack(claim, Math.max(RETRY_SECONDS, (error.retryAfterMs ?? 0) / 1000));
      }
      this.logger.error('a stage failed', {
        ...facts,
        reason,
        cause: error instanceof Error ? error.stack : undefined,
      });
      // A problem that passes by itself, such as a database that is away, is not counted as a failure. The lease runs
      // out.
      if (isUnforeseen(error)) await this.fail(claim, facts);
    }
  }

  private run(claim: ShardClaim): Promise<void> {
    const { job_id: jobId, first_position: first } = claim.row;
    const facts = { 'job.id': jobId, stage: this.stage.name, 'stage.first_position': first };
    const work = () =>
      this.leases.runWithLease(claim, async (lease) => {
        const signal = AbortSignal.any([lease.signal, this.stopping.signal]);
        listenFreely(signal);
        if (mayBeHalfWritten(claim)) await this.setRight(jobId);
        return this.stage.run(claim, signal);
      });
    return inSpan(`stage ${this.stage.name}`, facts, work, { root: true });
  }

  /**
   * The same work would always fail. After some failures in a row, counted over all processes, the stage gives the
   * shard up.
   */
  private async fail(claim: ShardClaim, facts: Readonly<Record<string, unknown>>): Promise<void> {
    try {
      const failures = await this.shards.countFailure(this.sql, claim);
      if (failures < MOST_FAILURES) {
        return await this.shards.letGo(this.sql, claim, { failures }, RETRY_SECONDS * 2 ** (failures - 1));
      }
      this.logger.error('a shard is given up by its stage', { ...facts, failures });
      await this.stage.giveUp(claim);
    } catch (error) {
      this.logger.error('a shard could not be given up; its lease will run out', {
        ...facts,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  private async handBack(claim: ShardClaim, seconds: number): Promise<void> {
    // If the database is the problem, or another process has the shard by now, its lease runs out by itself.
    // No progress was made, so the count of failures stays.
    const { failures } = claim.row;
    await this.shards.letGo(this.sql, claim, { failures }, seconds).catch(() => undefined);
  }
}
