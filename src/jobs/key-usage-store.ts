import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';

/** By what a key's usage is summed. */
export const USAGE_GROUPS = ['day', 'model', 'mode'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];
/** Operators see all keys, and may ask by key as well. */
export const OPERATOR_USAGE_GROUPS = [...USAGE_GROUPS, 'key'] as const;
export type OperatorUsageGroup = (typeof OPERATOR_USAGE_GROUPS)[number];

/** Days of UTC as `2026-01-31`, both included. */
export interface Days {
  readonly from: string;
  readonly to: string;
}

export interface SummedUsage {
  /** The day, the model, the mode or the key. */
  readonly name: string;
  /** Lots that were completed. */
  readonly lots: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
}

/** What is added to a key's usage; SQL of numbers, 0 where absent. */
interface Added {
  readonly model: string;
  readonly lots?: string;
  readonly inputTokens?: string;
  readonly cachedInputTokens?: string;
  readonly outputTokens?: string;
  readonly costUsd?: string;
}

/** A statement takes no more entries than this, so that a worker that comes late does not hold one transaction for long. */
const FOLDED_AT_ONCE = 10_000;
const SUMS = 'lots, input_tokens, cached_input_tokens, output_tokens, cost_usd';
const SUMMED =
  'sum(lots) as lots, sum(input_tokens) as input_tokens, sum(cached_input_tokens) as cached_input_tokens, sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd';
const GROUP_SQL: Readonly<Record<OperatorUsageGroup, string>> = {
  day: `to_char(day, 'YYYY-MM-DD')`,
  model: 'model',
  mode: 'mode',
  key: 'key_id',
};

/**
 * SQL that adds to the usage of a job's key, as a part of the statement that counts the same in the job: both exist or
 * neither does. It only inserts a row. If it changed the row of the day, all calls of a key would wait for each other, each
 * until the commit of the one before, and calls that change two rows could wait for each other without end.
 * @param job - what follows `from`: rows with the job's `key_id` and `mode`
 */
export function addKeyUsageSql(added: Added, job: string): string {
  const { model, lots = '0', inputTokens = '0', cachedInputTokens = '0', outputTokens = '0', costUsd = '0' } = added;
  return `insert into key_usage_entries (key_id, day, id, model, mode, ${SUMS})
    select key_id, (now() at time zone 'utc')::date, gen_random_uuid(), ${model}, mode,
      ${lots}, ${inputTokens}, ${cachedInputTokens}, ${outputTokens}, ${costUsd} from ${job}`;
}

/** What keys have used, by day, model and mode. It outlives the jobs. */
@Injectable()
export class KeyUsageStore {
  constructor(private readonly database: Database) {}

  /**
   * A key's usage in some days, by day, model or mode; what was never used has no row.
   * @param keyId - null: of all keys together; for operators only
   */
  async sum(keyId: string | null, { from, to }: Days, by: OperatorUsageGroup): Promise<SummedUsage[]> {
    // One statement, so that entries that a worker moves meanwhile are seen in one of the two tables.
    const where = `day between $1::date and $2::date${keyId === null ? '' : ' and key_id = $3'}`;
    const rows = await this.database.query<Record<string, string>>(
      `select ${GROUP_SQL[by]} as name, ${SUMMED} from (
         select key_id, day, model, mode, ${SUMS} from key_usage where ${where}
         union all
         select key_id, day, model, mode, ${SUMS} from key_usage_entries where ${where}
       ) used group by 1 order by 1`,
      keyId === null ? [from, to] : [from, to, keyId],
    );
    return rows.map((row) => ({
      name: String(row['name']),
      lots: Number(row['lots']),
      inputTokens: Number(row['input_tokens']),
      cachedInputTokens: Number(row['cached_input_tokens']),
      outputTokens: Number(row['output_tokens']),
      costUsd: Number(row['cost_usd']),
    }));
  }

  /**
   * Moves entries into the sums. Several processes may do so at the same time: each takes other entries, and all take the
   * sums' rows in the same order.
   * @returns false when no more are left for now
   */
  async fold(): Promise<boolean> {
    const [row] = await this.database.query<{ taken: number }>(
      `with due as materialized (
         select key_id, day, id from key_usage_entries limit $1 for update skip locked),
       taken as (
         delete from key_usage_entries e using due
         where e.key_id = due.key_id and e.day = due.day and e.id = due.id
         returning e.*),
       summed as (
         insert into key_usage as u (key_id, day, model, mode, ${SUMS})
         select key_id, day, model, mode, ${SUMMED} from taken group by 1, 2, 3, 4 order by 1, 2, 3, 4
         on conflict (key_id, day, model, mode) do update set
           lots = u.lots + excluded.lots,
           input_tokens = u.input_tokens + excluded.input_tokens,
           cached_input_tokens = u.cached_input_tokens + excluded.cached_input_tokens,
           output_tokens = u.output_tokens + excluded.output_tokens,
           cost_usd = u.cost_usd + excluded.cost_usd)
       select count(*)::int as taken from taken`,
      [FOLDED_AT_ONCE],
    );
    return row !== undefined && row.taken === FOLDED_AT_ONCE;
  }
}
