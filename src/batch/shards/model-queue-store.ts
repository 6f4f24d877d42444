import { Injectable } from '@nestjs/common';
import { Database, type Sql, type Transaction } from '../../database/database.service.js';
import { storableName } from '../../database/storable-text.js';
import type { WaitingBatches } from '../limits/queue-metrics.js';
import { PAUSED_JOBS_SQL } from '../../jobs/job-pause-store.js';
import { isAtOpenAi, isIn, isUnfinished } from './shard-states.js';

/** What is known about a model's queue at one upstream. */
export interface ModelQueue {
  /** Enqueued tokens, learned from refusals; null: no limit is known. */
  readonly tokenLimit: number | null;
  /** Seconds; negative or null when the model is not paused. */
  readonly pausedFor: number | null;
  readonly reason: string | null;
}

/** Shards that are at OpenAI now. */
export interface ActiveShards {
  readonly all: number;
  readonly ofKey: number;
  readonly ofModel: number;
  /** The model's enqueued tokens. */
  readonly tokens: number;
}

/**
 * Stores what was learned about each model's queue at OpenAI. What we have in it is summed from the shards each time,
 * so that no counter can drift.
 */
@Injectable()
export class ModelQueueStore {
  constructor(private readonly database: Database) {}

  /** Locks a model's row until the transaction ends; the model `*` stands for all models together. */
  async lock(tx: Transaction, upstream: string, model: string): Promise<ModelQueue> {
    await tx.execute(
      `insert into openai_models (upstream, model, updated_at) values ($1, $2, now()) on conflict do nothing`,
      [upstream, model],
    );
    const [row] = await tx.query<ModelQueue & { [column: string]: unknown }>(
      `select enqueued_token_limit::float8 as "tokenLimit", reason,
         extract(epoch from paused_until - clock_timestamp())::float8 as "pausedFor"
       from openai_models where upstream = $1 and model = $2 for update`,
      [upstream, model],
    );
    return row as ModelQueue;
  }

  async active(sql: Sql, keyId: string, model: string): Promise<ActiveShards> {
    const [row] = await sql.query<ActiveShards & { [column: string]: unknown }>(
      `select count(*)::int as all, count(*) filter (where key_id = $1)::int as "ofKey",
         count(*) filter (where model = $2)::int as "ofModel",
         coalesce(sum(estimated_tokens) filter (where model = $2), 0)::float8 as tokens
       from openai_batches where ${isAtOpenAi()}`,
      [keyId, model],
    );
    return row as ActiveShards;
  }

  /** Pauses a model's queue for this many seconds; the row shows why. Afterwards one shard goes first as a probe. */
  async pause(upstream: string, model: string, reason: string, seconds: number): Promise<void> {
    await this.database.execute(
      `insert into openai_models (upstream, model, paused_until, reason, updated_at)
       values ($1, $2, clock_timestamp() + make_interval(secs => $4), $3, now())
       on conflict (upstream, model) do update set paused_until = excluded.paused_until, reason = excluded.reason,
         updated_at = now()`,
      [upstream, model, storableName(reason), seconds],
    );
  }

  /** Ends a pause, because OpenAI took a batch of this model. */
  async resume(upstream: string, model: string): Promise<void> {
    await this.database.execute(
      `update openai_models set paused_until = null, reason = null, updated_at = now()
       where upstream = $1 and model = $2 and reason is not null`,
      [upstream, model],
    );
  }

  /**
   * Lowers the limit after a refusal.
   * @param refused - input tokens of the shard that was refused
   * @param named - the limit that OpenAI named, in tokens; null: a little less than what was queued with the refused
   *   shard
   */
  async shrinkLimit(upstream: string, model: string, refused: number, named: number | null): Promise<void> {
    await this.database.execute(
      `insert into openai_models as m (upstream, model, enqueued_token_limit, updated_at)
       select $1, $2, greatest(1, coalesce($4::bigint,
         case when a.tokens > 0 then a.tokens + $3::bigint * 9 / 10 else $3::bigint / 2 end)), now()
       from (select coalesce(sum(estimated_tokens), 0)::bigint as tokens from openai_batches
             where model = $2 and ${isIn('watching')}) a
       on conflict (upstream, model) do update
         set enqueued_token_limit = excluded.enqueued_token_limit, updated_at = now()`,
      [upstream, model, Math.round(refused), named],
    );
  }

  /** Raises a limit by half after a batch ended well: a limit that was only guessed may have been too low. */
  async growLimit(upstream: string, model: string): Promise<void> {
    await this.database.execute(
      `update openai_models set enqueued_token_limit = enqueued_token_limit + enqueued_token_limit / 2, updated_at = now()
       where upstream = $1 and model = $2 and enqueued_token_limit is not null`,
      [upstream, model],
    );
  }

  /**
   * Counts queued shards that wait, by model and by what they wait for.
   * @param reasons - the shards' reasons that mean waiting for a place or for tokens; any other one means a pause
   */
  async waiting(reasons: Readonly<Record<'place' | 'tokens', readonly string[]>>): Promise<WaitingBatches[]> {
    return this.database.query<WaitingBatches & { [column: string]: unknown }>(
      `select model,
         case when reason = any($1::text[]) then 'place' when reason = any($2::text[]) then 'tokens' else 'pause' end
           as "waitsFor",
         count(*)::int as batches, extract(epoch from clock_timestamp() - min(created_at))::float8 as "oldestSeconds"
       from openai_batches
       -- Its last condition lets the partial index of unfinished shards serve it.
       where ${isIn('queued')} and reason is not null and ${isUnfinished()} and job_id not in ${PAUSED_JOBS_SQL} group by 1, 2`,
      [reasons.place, reasons.tokens],
    );
  }
}
