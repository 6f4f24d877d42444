import { Injectable } from '@nestjs/common';
import type { Sql, Transaction } from '../../database/database.service.js';
import { keyIs } from '../../database/lease-table.js';
import { SHARDS, type ShardClaim } from './shard-store.js';
import { isUnfinished } from './shard-states.js';

/** What the other shards of a job have under way. */
export interface UnderWay {
  /** True when some of them hold money that they may give back. */
  readonly holds: boolean;
  /** Lots in vision batches. */
  readonly vision: number;
  /** Lots in translation batches. */
  readonly translation: number;
}

/**
 * Stores how much of the money that a job holds each shard will give back. A caller that changes both locks the job's
 * row. All amounts are in USD.
 */
@Injectable()
export class ShardMoneyStore {
  /** What a claimed shard holds, read from its row: its own calls change that while they run. */
  async held(sql: Sql, { key }: ShardClaim): Promise<number> {
    const [row] = await sql.query<{ reserved: number }>(
      `select reserved_usd::float8 as reserved from openai_batches where ${keyIs(SHARDS, 1)}`,
      key,
    );
    return row?.reserved ?? 0;
  }

  /** Adds `usd` (which may be negative) to what the shard holds; never below zero, even after rounding. */
  async hold(tx: Transaction, { key }: ShardClaim, usd: number): Promise<void> {
    await tx.execute(ADD, [...key, usd.toFixed(8)]);
  }

  /** Takes an amount from what a shard will give back, and leaves it held by the job. */
  async keep(sql: Sql, claim: ShardClaim, usd: number): Promise<void> {
    await sql.execute(ADD, [...claim.key, (-usd).toFixed(8)]);
  }

  /** What the other shards of the same job have under way. */
  async underWay(sql: Sql, { key }: ShardClaim): Promise<UnderWay> {
    const [row] = await sql.query<{ holds: boolean | null; vision: number; translation: number }>(
      `select bool_or(reserved_usd > 0) as holds,
         coalesce(sum(request_total) filter (where stage = 'vision' and reserved_usd > 0), 0)::int as vision,
         coalesce(sum(request_total) filter (where stage = 'translation' and reserved_usd > 0), 0)::int as translation
       from openai_batches where job_id = $1 and ${isUnfinished()}
         and (stage, first_position, attempt) is distinct from ($2, $3::int, $4::smallint)`,
      key,
    );
    return { holds: row?.holds === true, vision: row?.vision ?? 0, translation: row?.translation ?? 0 };
  }
}

const ADD = `update openai_batches set reserved_usd = greatest(0, reserved_usd + $5::numeric(16,8)) where ${keyIs(SHARDS, 1)}`;
