import { Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import { Database } from '../../database/database.service.js';
import type { ModelStage } from '../../jobs/states.js';
import { isAtOpenAi, isUnfinished, type ShardStatus } from './shard-states.js';

/** Unfinished shards that are in the same state for the same reason. */
export interface QueuedShards {
  readonly stage: ModelStage;
  readonly model: string;
  readonly status: ShardStatus;
  /** What they wait for, or what went wrong last. */
  readonly reason: string | null;
  readonly shards: number;
  readonly lots: number;
  readonly oldest: Date;
  /** When the first of them is looked at next. */
  readonly nextCheckAt: Date;
}

/** What is known of a model's queue. */
export interface ListedModel {
  readonly model: string;
  /** Until when nothing is sent to it; null: it is not paused. */
  readonly pausedUntil: Date | null;
  readonly reason: string | null;
  readonly tokenLimit: number | null;
  /** Input tokens that we have in the queue. */
  readonly enqueuedTokens: number;
  /** Batches of this model that OpenAI has, or is just being sent. */
  readonly batches: number;
}

/** What operators see of the work of all keys at OpenAI, from the partial indexes of unfinished shards. */
@Injectable()
export class QueueOverviewReader {
  constructor(private readonly database: Database) {}

  async shards(): Promise<QueuedShards[]> {
    return this.database.query<QueuedShards & QueryResultRow>(
      `select stage, model, status, reason, count(*)::int as shards, sum(last_position - first_position + 1)::int as lots,
         min(created_at) as oldest, min(next_check_at) as "nextCheckAt"
       from openai_batches where ${isUnfinished()} group by 1, 2, 3, 4 order by oldest, 1, 2, 3, 4`,
    );
  }

  /** Models that something is known of, or that have batches. The row of all models together is left out. */
  async models(): Promise<ListedModel[]> {
    return this.database.query<ListedModel & QueryResultRow>(
      `with at_openai as materialized (
         select model, count(*)::int as n, sum(estimated_tokens)::float8 as tokens
         from openai_batches where ${isAtOpenAi()} group by 1)
       select coalesce(m.model, a.model) as model,
         case when m.paused_until > clock_timestamp() then m.paused_until end as "pausedUntil", m.reason,
         m.enqueued_token_limit::float8 as "tokenLimit", coalesce(a.tokens, 0) as "enqueuedTokens", coalesce(a.n, 0) as batches
       from (select * from openai_models where model <> '*') m full join at_openai a on a.model = m.model order by 1`,
    );
  }
}
