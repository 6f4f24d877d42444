import { Inject, Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { ModelQueueStore } from '../shards/model-queue-store.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { JobReader } from '../../jobs/job-reader.js';
import { ShardStore, type ShardChanges, type ShardClaim } from '../shards/shard-store.js';
import { isTerminal } from '../../jobs/states.js';
import type { UpstreamBatch } from '../../openai/batches-api.js';
import { classifyFailure } from '../../openai/classify.js';
import { OpenAiError } from '../../openai/errors.js';
import { OpenAiClient } from '../../openai/openai-client.js';
import { Deadlines } from '../limits/deadlines.js';
import { QueueTroubles } from '../limits/queue-troubles.js';
import { ShardEnd } from '../shards/shard-end.js';
import { UncertainSubmissions } from '../shards/uncertain-submissions.js';
import { EVERY_SECOND, ScheduledStage } from './scheduled-stage.js';
import { WAITING_FOR_PLACE, WAITING_FOR_TOKENS } from '../limits/token-ledger.js';

const CALL_MS = 60_000;
/** The longest pause between two status requests, in polling intervals. */
const LONGEST_INTERVALS = 10;
/** The pause between two status requests, as a share of the batch's age. */
const AGE_SHARE = 1 / 20;

/** Asks OpenAI for the state of its batches, looks for those whose creation is uncertain, and cancels unwanted ones. */
@Injectable()
export class WatchStage extends ScheduledStage {
  readonly name = 'watch';
  readonly atOnce = 8;
  private readonly logger = new Logger(WatchStage.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly openai: OpenAiClient,
    private readonly queues: ModelQueueStore,
    private readonly jobReader: JobReader,
    private readonly shards: ShardStore,
    private readonly end: ShardEnd,
    private readonly deadlines: Deadlines,
    private readonly submissions: UncertainSubmissions,
    private readonly troubles: QueueTroubles,
  ) {
    super();
  }

  @Cron(EVERY_SECOND, { name: 'batch-watch', waitForCompletion: true })
  tick(): Promise<void> {
    return this.claimDue();
  }

  async claim(limit: number): Promise<ShardClaim[]> {
    const claims = await this.shards.claim(['watching', 'submitting'], limit);
    return claims.length > 0 ? claims : this.shards.claimCancelledWhilePaused(limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    const job = await this.jobReader.forShard(claim.row.job_id);
    if (job === undefined || claim.row.status === 'paused') return this.end.abandon(claim);
    try {
      await this.look(claim, job, signal);
    } catch (error) {
      // A job must reach its end even if OpenAI stops answering, just as it must when a batch never ends.
      if (!(error instanceof OpenAiError) || signal.aborted || !this.mustGiveUp(job)) throw error;
      await this.abandonBatch(claim, {});
    }
  }

  /** Its batch may be running, so nothing of it is sent again, and what it may cost stays held. */
  giveUp(claim: ShardClaim): Promise<void> {
    return this.abandonBatch(claim, {});
  }

  private async look(claim: ShardClaim, job: ShardJob, signal: AbortSignal): Promise<void> {
    const { row } = claim;
    if (row.upstream !== this.openai.fingerprint()) return this.standStill(claim, job, 'upstream_changed');
    if (row.status === 'submitting') return this.submissions.settle(claim, signal);
    if (row.batch_id === null) return this.standStill(claim, job, 'batch_lost');
    let batch: UpstreamBatch;
    try {
      batch = await this.ask(row.batch_id, claim, job, signal);
    } catch (error) {
      if (!(error instanceof OpenAiError && error.status === 404)) throw error;
      const grace = this.config.batch.submitGraceSeconds * 1000;
      if (this.clock.now() < (row.submitted_at?.getTime() ?? 0) + grace) {
        return this.shards.letGo(this.database, claim, {}, Math.min(5, this.config.batch.pollIntervalSeconds));
      }
      return this.standStill(claim, job, 'batch_not_found');
    }
    if (!batch.terminal) {
      if (this.mustGiveUp(job)) return this.abandonBatch(claim, seen(batch));
      return this.shards.letGo(this.database, claim, seen(batch), this.interval(claim, job));
    }
    await this.terminal(claim, batch, job);
    await this.shards.wakeWaiting([WAITING_FOR_PLACE, WAITING_FOR_TOKENS]);
  }

  /**
   * It was told to cancel long ago. Answers that it may still bring are given up, or the job would miss its deadline.
   */
  private mustGiveUp(job: ShardJob): boolean {
    return !isTerminal(job.status) && this.deadlines.harvestIsOver(job);
  }

  private async abandonBatch(claim: ShardClaim, changes: ShardChanges): Promise<void> {
    this.logger.error('a batch is given up', { job_id: claim.row.job_id, batch_id: claim.row.batch_id });
    // It may still be billed, and its cost will never be read, so the amount stays held of the job's limit.
    await this.shards.letGo(this.database, claim, {
      ...changes,
      status: 'taking_in',
      reason: 'stuck',
      reserved_usd: 0,
    });
  }

  private async ask(id: string, claim: ShardClaim, job: ShardJob, signal: AbortSignal): Promise<UpstreamBatch> {
    const limits = { deadlineAt: this.clock.now() + CALL_MS, signal };
    const unwanted = claim.row.cancel_requested || isTerminal(job.status) || this.deadlines.batchesAreOver(job);
    if (!unwanted || claim.row.upstream_status === 'cancelling') return this.openai.batches.retrieveBatch(id, limits);
    this.logger.log('a batch is cancelled', { job_id: job.id, batch_id: id });
    return this.openai.batches.cancelBatch(id, limits);
  }

  private async terminal(claim: ShardClaim, batch: UpstreamBatch, job: ShardJob): Promise<void> {
    const [problem] = batch.errors;
    const ended = isTerminal(job.status);
    const upstream = claim.row.upstream ?? '';
    if (batch.status === 'failed' && !ended && problem !== undefined) {
      const { kind } = classifyFailure(problem);
      this.logger.warn('a batch failed in validation', {
        job_id: job.id,
        batch_id: batch.id,
        code: problem.code,
        // A message about a line may quote its lot.
        upstream_says: problem.line === undefined ? this.openai.quotable(problem.message) : undefined,
      });
      // None of its lines ran, so no try is used up.
      if (kind === 'rate_limited') {
        return this.troubles.tokenLimit(claim, problem.message);
      }
      if (kind === 'quota' || kind === 'model' || kind === 'auth') {
        return this.troubles.pause(claim, upstream, claim.row.model, problem.code ?? kind);
      }
    }
    await this.shards.letGo(this.database, claim, {
      ...seen(batch),
      status: 'taking_in',
      output_file_id: batch.outputFileId ?? null,
      error_file_id: batch.errorFileId ?? null,
      cursor_file: 'output',
      cursor_bytes: 0,
      ...(batch.status === 'failed' ? { reason: problem?.code ?? 'failed' } : {}),
    });
    if (batch.status === 'completed') await this.queues.growLimit(upstream, claim.row.model);
  }

  /**
   * Pauses a shard whose batch cannot be asked for. Nothing may be sent again automatically: an operator decides, or
   * the deadline does.
   */
  private async standStill(claim: ShardClaim, job: ShardJob, reason: string): Promise<void> {
    if (isTerminal(job.status)) return this.end.abandon(claim);
    if (this.deadlines.batchesAreOver(job)) {
      await this.shards.step(this.database, claim, { reserved_usd: 0 });
      return this.end.finish(claim, job);
    }
    this.logger.error('a shard is paused', { job_id: job.id, stage: claim.row.stage, reason });
    await this.shards.letGo(this.database, claim, { status: 'paused', reason });
  }

  /**
   * Seconds until the next status request: short for young batches and those that are being cancelled, longer for old
   * ones.
   */
  private interval(claim: ShardClaim, job: ShardJob): number {
    const { pollIntervalSeconds } = this.config.batch;
    if (this.deadlines.batchesAreOver(job) || isTerminal(job.status)) return pollIntervalSeconds;
    const age = (this.clock.now() - (claim.row.submitted_at?.getTime() ?? this.clock.now())) / 1000;
    return Math.max(pollIntervalSeconds, Math.min(pollIntervalSeconds * LONGEST_INTERVALS, age * AGE_SHARE));
  }
}

function seen(batch: UpstreamBatch): ShardChanges {
  return {
    upstream_status: batch.status.slice(0, 64),
    ...(batch.counts.total > 0
      ? {
          request_total: batch.counts.total,
          request_completed: batch.counts.completed,
          request_failed: batch.counts.failed,
        }
      : {}),
  };
}
