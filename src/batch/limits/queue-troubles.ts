import { Inject, Injectable, Logger } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { ModelQueueStore } from '../shards/model-queue-store.js';
import { ShardStore, type ShardChanges, type ShardClaim } from '../shards/shard-store.js';
import { isQueueLimit } from '../../openai/classify.js';
import type { OpenAiError } from '../../openai/errors.js';
import { CostGuard } from './cost-guard.js';
import { countQueueLimit } from './queue-metrics.js';
import { TOKEN_LIMIT_EXCEEDED, TokenLedger } from './token-ledger.js';

/** How many polling intervals a shard waits: 5 to 15 minutes at the usual 30 seconds. */
const REST_INTERVALS = { least: 10, spread: 20 };
/**
 * How often a shard is sent again after a refusal that gives no useful reason, such as a file that is not visible yet.
 */
const MAX_REFUSALS = 5;

/**
 * Handles what OpenAI answers instead of taking a batch. None of it uses up a try of the lots. Limits are waited for. A
 * missing quota or model pauses the model's queue, where an operator sees it.
 */
@Injectable()
export class QueueTroubles {
  private readonly logger = new Logger(QueueTroubles.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly database: Database,
    private readonly ledger: TokenLedger,
    private readonly queues: ModelQueueStore,
    private readonly shards: ShardStore,
    private readonly costs: CostGuard,
  ) {}

  /** Handles an error after which it is certain that no batch was made. */
  async notSent(claim: ShardClaim, error: OpenAiError): Promise<void> {
    const { row } = claim;
    const upstream = row.upstream ?? '';
    this.logger.warn('a batch was not taken', {
      job_id: row.job_id,
      stage: row.stage,
      kind: error.kind,
      code: error.code,
    });
    switch (error.kind) {
      case 'quota':
        return this.pause(claim, upstream, row.model, error.code ?? 'insufficient_quota');
      case 'model':
      case 'auth':
        return this.pause(claim, upstream, row.model, error.code ?? error.kind);
      case 'rate_limited':
        if (isQueueLimit({ code: error.code, message: error.upstreamMessage }))
          return this.tokenLimit(claim, error.upstreamMessage);
        return this.again(claim, error.code ?? 'rate_limited', (error.retryAfterMs ?? 0) / 1000);
      case 'refused':
      case 'too_large':
      case 'rejected':
        if (row.submission % MAX_REFUSALS === 0) return this.refused(claim, error.code ?? error.kind);
        return this.again(claim, error.code ?? error.kind, 1);
      case 'server':
      case 'connection':
      case 'broken_body':
      case 'timeout':
      case 'circuit_open':
      case 'image':
      case 'context_length':
      case 'aborted':
        return this.again(claim, error.kind, (error.retryAfterMs ?? 0) / 1000);
    }
  }

  /** OpenAI's queue of enqueued tokens is full: the shard waits, and the limit that OpenAI named is stored. */
  async tokenLimit(claim: ShardClaim, message: string | undefined): Promise<void> {
    const { upstream, model, estimated_tokens } = claim.row;
    const seconds = this.restSeconds();
    countQueueLimit(model, 'refused');
    this.logger.warn("OpenAI's queue of enqueued tokens is full", {
      job_id: claim.row.job_id,
      stage: claim.row.stage,
      model,
      tokens: Number(estimated_tokens),
      wait_seconds: Math.round(seconds),
    });
    await this.requeue(claim, TOKEN_LIMIT_EXCEEDED, seconds);
    await this.ledger.shrinkLimit(upstream ?? '', model, Number(estimated_tokens), message);
  }

  /** Pauses the whole queue of the model; this shard is queued again. */
  async pause(claim: ShardClaim, upstream: string, model: string, reason: string): Promise<void> {
    const seconds = this.restSeconds();
    this.logger.error('the queue of a model is paused; an operator must act', { model, reason });
    await this.queues.pause(upstream, model, reason, seconds);
    await this.requeue(claim, reason, seconds);
  }

  async modelUnavailable(claim: ShardClaim, upstream: string, model: string, state: string): Promise<void> {
    await this.pause(claim, upstream, model, `model_${state}`);
  }

  /** The job was paused during the upload: the shard is sent when it is resumed. */
  async holdBack(claim: ShardClaim): Promise<void> {
    await this.requeue(claim, null, 0);
  }

  /** No request can be made for any of its lots. They are asked for one by one, and fail there. */
  async nothingToSend(claim: ShardClaim, inputFileId: string): Promise<void> {
    await this.passOver(claim, { reason: 'no_requests', input_file_id: inputFileId });
  }

  /**
   * The shard was refused too often. Its lots are treated like lots whose lines never came, and are tried in another
   * way.
   */
  private async refused(claim: ShardClaim, reason: string): Promise<void> {
    await this.passOver(claim, { reason });
  }

  private async passOver(claim: ShardClaim, changes: ShardChanges): Promise<void> {
    await this.shards.letGo(this.database, claim, {
      ...changes,
      status: 'taking_in',
      output_file_id: null,
      error_file_id: null,
    });
  }

  private async again(claim: ShardClaim, reason: string, seconds: number): Promise<void> {
    await this.requeue(claim, reason, Math.max(seconds, Math.min(5, this.config.batch.pollIntervalSeconds)));
  }

  private async requeue(claim: ShardClaim, reason: string | null, seconds: number): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.shards.letGo(tx, claim, { status: 'queued', reason, batch_id: null, input_file_id: null }, seconds);
      // It was certainly not sent, so it costs nothing.
      await this.costs.giveBack(tx, claim);
    });
  }

  private restSeconds(): number {
    return this.config.batch.pollIntervalSeconds * (REST_INTERVALS.least + REST_INTERVALS.spread * Math.random());
  }
}
