import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database, type Sql } from '../../database/database.service.js';
import { storableName } from '../../database/storable-text.js';
import { ShardStore, type ShardClaim } from '../shards/shard-store.js';
import { countQueueLimit } from './queue-metrics.js';

/** Shown as the shard's reason while it waits for another batch to leave OpenAI's queue … */
export const WAITING_FOR_PLACE = 'waiting_for_place';
/** … or for room among the model's enqueued tokens, by our own count … */
export const WAITING_FOR_TOKENS = 'waiting_for_tokens';
/** … or because OpenAI itself said that there is none. */
export const TOKEN_LIMIT_EXCEEDED = 'token_limit_exceeded';
const LONGEST_PROBE_WAIT_S = 60;

/** What a shard may do now. */
export type Admission =
  /** It is `submitting` now. */
  | { readonly kind: 'admitted'; readonly submission: number; readonly tokenBudget: number | null }
  | { readonly kind: 'wait'; readonly reason: string; readonly seconds: number };

interface ModelRow {
  enqueued_token_limit: string | null;
  /** Seconds; negative or null when the model is not paused. */
  paused_for: number | null;
  reason: string | null;
}

interface Active {
  all: number;
  of_key: number;
  of_model: number;
  tokens: string;
}

/**
 * Lets shards through under OpenAI's limits: active batches per key and overall, enqueued tokens per model.
 * Everything is summed from the shards while the upstream's row is locked, so no counter can drift or leak when a
 * process dies; one row for all models, because the limit of all batches spans them.
 */
@Injectable()
export class TokenLedger {
  private readonly logger = new Logger(TokenLedger.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly shards: ShardStore,
  ) {}

  /** Turns a queued shard into a submitting one, or says why it must wait. */
  async admit(claim: ShardClaim, upstream: string, model: string, tokens: number): Promise<Admission> {
    const admission = await this.judge(claim, upstream, model, tokens);
    if (admission.kind === 'wait') this.tell(claim, model, tokens, admission.reason);
    return admission;
  }

  /** Holds a model's queue back, visibly, until the time is over; the first shard after it is the probe. */
  async pause(upstream: string, model: string, reason: string, seconds: number): Promise<void> {
    await this.database.execute(
      `insert into openai_models (upstream, model, paused_until, reason, updated_at)
       values ($1, $2, clock_timestamp() + make_interval(secs => $4), $3, now())
       on conflict (upstream, model) do update set paused_until = excluded.paused_until, reason = excluded.reason,
         updated_at = now()`,
      [upstream, model, storableName(reason), seconds],
    );
  }

  /** OpenAI took a batch of this model: whatever held its queue back is over. */
  async resume(upstream: string, model: string): Promise<void> {
    await this.database.execute(
      `update openai_models set paused_until = null, reason = null, updated_at = now()
       where upstream = $1 and model = $2 and reason is not null`,
      [upstream, model],
    );
  }

  /**
   * Learns from `token_limit_exceeded`: the limit that OpenAI names, or a little less than what was queued with it.
   * @param refused - tokens of the shard that was refused
   */
  async shrinkLimit(upstream: string, model: string, refused: number, message: string | undefined): Promise<void> {
    // More than a safe number of tokens is no limit, and PostgreSQL's bigint would not hold it.
    const said = Number(/limit:?\s*([\d,]{1,20})/i.exec(message ?? '')?.[1]?.replaceAll(',', '') ?? 0);
    const named = Number.isSafeInteger(said) ? said : 0;
    await this.database.execute(
      `insert into openai_models as m (upstream, model, enqueued_token_limit, updated_at)
       select $1, $2, greatest(1, coalesce($4::bigint,
         case when a.tokens > 0 then a.tokens + $3::bigint * 9 / 10 else $3::bigint / 2 end)), now()
       from (select coalesce(sum(estimated_tokens), 0)::bigint as tokens from openai_batches
             where model = $2 and status = 'watching') a
       on conflict (upstream, model) do update
         set enqueued_token_limit = excluded.enqueued_token_limit, updated_at = now()`,
      [upstream, model, Math.round(refused), named > 0 ? named : null],
    );
  }

  /** A batch ended well: a limit that was only guessed may have been too low. */
  async growLimit(upstream: string, model: string): Promise<void> {
    await this.database.execute(
      `update openai_models set enqueued_token_limit = enqueued_token_limit + enqueued_token_limit / 2, updated_at = now()
       where upstream = $1 and model = $2 and enqueued_token_limit is not null`,
      [upstream, model],
    );
  }

  /** Once for each wait, however often the shard asks: its row still has the reason from the last time. */
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
      await this.lockModel(tx, upstream, '*');
      const state = await this.lockModel(tx, upstream, model);
      if (state.paused_for !== null && state.paused_for > 0) {
        const seconds = Math.min(state.paused_for, LONGEST_PROBE_WAIT_S);
        return { kind: 'wait', reason: state.reason ?? 'paused', seconds };
      }
      const [active] = await tx.query<Active & { [column: string]: unknown }>(
        `select count(*)::int as all, count(*) filter (where key_id = $1)::int as of_key,
           count(*) filter (where model = $2)::int as of_model,
           coalesce(sum(estimated_tokens) filter (where model = $2), 0) as tokens
         from openai_batches where status in ('submitting', 'watching')`,
        [claim.row.key_id, model],
      );
      const { all, of_key, of_model, tokens: taken } = active as Active;
      const wait = { kind: 'wait', reason: WAITING_FOR_PLACE, seconds: pollIntervalSeconds } as const;
      if (all >= activeLimitGlobal || of_key >= activeLimitPerKey) return wait;
      // After a pause one shard goes first and shows whether the reason has gone.
      if (state.reason !== null && of_model > 0) return { ...wait, reason: state.reason };
      const limit = this.limitOf(state);
      const free = limit === null ? null : limit - Number(taken);
      // A shard larger than the whole limit is cut to what is free; with nothing under way at least one lot is sent.
      const fits =
        free === null || tokens <= free || of_model === 0 || (limit !== null && tokens > limit && free >= limit / 2);
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

  private async lockModel(tx: Sql, upstream: string, model: string): Promise<ModelRow> {
    await tx.execute(
      `insert into openai_models (upstream, model, updated_at) values ($1, $2, now()) on conflict do nothing`,
      [upstream, model],
    );
    const [row] = await tx.query<ModelRow & { [column: string]: unknown }>(
      `select enqueued_token_limit, extract(epoch from paused_until - clock_timestamp())::float8 as paused_for, reason
       from openai_models where upstream = $1 and model = $2 for update`,
      [upstream, model],
    );
    return row as ModelRow;
  }

  private limitOf(state: ModelRow): number | null {
    const learned = state.enqueued_token_limit === null ? Infinity : Number(state.enqueued_token_limit);
    const own = this.config.batch.maxEnqueuedTokens === 0 ? Infinity : this.config.batch.maxEnqueuedTokens;
    const limit = Math.min(learned, own);
    return limit === Infinity ? null : limit;
  }
}
