import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { ModelQueueStore, type ModelQueue } from '../shards/model-queue-store.js';
import { ShardStore, type ShardClaim } from '../shards/shard-store.js';
import { countQueueLimit } from './queue-metrics.js';

/** The shard's `reason` while it waits for another batch to leave OpenAI's queue. */
export const WAITING_FOR_PLACE = 'waiting_for_place';
/** The shard's `reason` while, by our own count, the model's enqueued tokens leave no room for it. */
export const WAITING_FOR_TOKENS = 'waiting_for_tokens';
/** The shard's `reason` when OpenAI itself said that its queue has no room. */
export const TOKEN_LIMIT_EXCEEDED = 'token_limit_exceeded';
const LONGEST_PROBE_WAIT_S = 60;

/** Whether a shard may be sent now. */
export type Admission =
  /** The shard has become `submitting`. */
  | { readonly kind: 'admitted'; readonly submission: number; readonly tokenBudget: number | null }
  | { readonly kind: 'wait'; readonly reason: string; readonly seconds: number };

/**
 * Admits shards within OpenAI's limits: active batches per key and overall, enqueued tokens per model.
 * All sums are computed from the shards while the upstream's row is locked, so no counter can drift or leak when a
 * process dies. One row stands for all models, because the limit of active batches covers all of them.
 */
@Injectable()
export class TokenLedger {
  private readonly logger = new Logger(TokenLedger.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly shards: ShardStore,
    private readonly queues: ModelQueueStore,
  ) {}

  /**
   * Turns a queued shard into a submitting one, or says why it must wait.
   * @param tokens - input tokens that the shard will enqueue
   */
  async admit(claim: ShardClaim, upstream: string, model: string, tokens: number): Promise<Admission> {
    const admission = await this.judge(claim, upstream, model, tokens);
    if (admission.kind === 'wait') this.tell(claim, model, tokens, admission.reason);
    return admission;
  }

  /**
   * Stores the limit that OpenAI names in `token_limit_exceeded`, or a little less than what was queued with this
   * shard.
   * @param refused - input tokens of the shard that was refused
   */
  async shrinkLimit(upstream: string, model: string, refused: number, message: string | undefined): Promise<void> {
    // A number above the safe integers is not a limit, and PostgreSQL's bigint could not hold it.
    const said = Number(/limit:?\s*([\d,]{1,20})/i.exec(message ?? '')?.[1]?.replaceAll(',', '') ?? 0);
    const named = Number.isSafeInteger(said) ? said : 0;
    await this.queues.shrinkLimit(upstream, model, refused, named > 0 ? named : null);
  }

  /** Logs each wait once, however often the shard asks: its row still has the reason from the last time. */
  private tell({ row }: ShardClaim, model: string, tokens: number, reason: string): void {
    if (row.reason === reason) return;
    if (reason === WAITING_FOR_PLACE) return countQueueLimit(model, 'active_batches');
    if (reason !== WAITING_FOR_TOKENS) return;
    countQueueLimit(model, 'enqueued_tokens');
    this.logger.warn("a batch waits for room in OpenAI's queue", {
      job_id: row.job_id,
      stage: row.stage,
      model,
      tokens,
    });
  }

  private async judge(claim: ShardClaim, upstream: string, model: string, tokens: number): Promise<Admission> {
    const { activeLimitPerKey, activeLimitGlobal, pollIntervalSeconds } = this.config.batch;
    return this.database.transaction(async (tx) => {
      await this.queues.lock(tx, upstream, '*');
      const queue = await this.queues.lock(tx, upstream, model);
      if (queue.pausedFor !== null && queue.pausedFor > 0) {
        const seconds = Math.min(queue.pausedFor, LONGEST_PROBE_WAIT_S);
        return { kind: 'wait', reason: queue.reason ?? 'paused', seconds };
      }
      const active = await this.queues.active(tx, claim.row.key_id, model);
      const wait = { kind: 'wait', reason: WAITING_FOR_PLACE, seconds: pollIntervalSeconds } as const;
      if (active.all >= activeLimitGlobal || active.ofKey >= activeLimitPerKey) return wait;
      // After a pause one shard goes first, which shows whether the reason is gone.
      if (queue.reason !== null && active.ofModel > 0) return { ...wait, reason: queue.reason };
      const limit = this.limitOf(queue);
      const free = limit === null ? null : limit - active.tokens;
      // A shard larger than the whole limit is cut to what is free. With nothing under way, at least one lot is sent.
      const fits =
        free === null ||
        tokens <= free ||
        active.ofModel === 0 ||
        (limit !== null && tokens > limit && free >= limit / 2);
      if (!fits) return { ...wait, reason: WAITING_FOR_TOKENS };
      const submission = claim.row.submission + 1;
      const tokenBudget = free === null || tokens <= free ? null : Math.max(1, free);
      await this.shards.step(tx, claim, {
        status: 'submitting',
        submission,
        model,
        upstream,
        estimated_tokens: tokenBudget === null ? tokens : tokenBudget,
        input_file_id: null,
        batch_id: null,
        output_file_id: null,
        error_file_id: null,
        upstream_status: null,
        request_total: 0,
        request_completed: 0,
        request_failed: 0,
        reason: null,
        submitted_at: this.clock.date(),
      });
      return { kind: 'admitted', submission, tokenBudget };
    });
  }

  private limitOf(queue: ModelQueue): number | null {
    const learned = queue.tokenLimit ?? Infinity;
    const own = this.config.batch.maxEnqueuedTokens === 0 ? Infinity : this.config.batch.maxEnqueuedTokens;
    const limit = Math.min(learned, own);
    return limit === Infinity ? null : limit;
  }
}
