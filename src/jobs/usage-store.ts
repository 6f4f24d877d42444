import type { Values } from '../database/values.js';
import type { UsageRow } from './job-store.js';
import { addKeyUsageSql } from './key-usage-store.js';

/** What a row of `calls` has: the column of job_usage, its type and its value. */
const COLUMNS: readonly [name: string, type: string, value: (row: UsageRow) => unknown][] = [
  ['stage', 'text', (row) => row.stage],
  ['model', 'text', (row) => row.model],
  ['calls', 'integer', (row) => row.calls],
  ['input_tokens', 'bigint', (row) => row.inputTokens],
  ['cached_input_tokens', 'bigint', (row) => row.cachedInputTokens],
  ['output_tokens', 'bigint', (row) => row.outputTokens],
  ['reasoning_tokens', 'bigint', (row) => row.reasoningTokens],
  // Rounded here, so that the job, its usage and its key's add the same.
  ['cost_usd', 'numeric(16,8)', (row) => row.costUsd],
];
const NAMES = COLUMNS.map(([name]) => name);
const SUMMED = NAMES.filter((name) => name !== 'stage' && name !== 'model');

/** SQL of the CTE `calls`: answered calls, or the sums of many; a model has one row in each stage. */
export function callsSql(values: Values, rows: readonly UsageRow[]): string {
  const lists = COLUMNS.map(([, type, value]) => `${values.add(rows.map(value))}::${type}[]`);
  return `select * from unnest(${lists.join(', ')}) as calls (${NAMES.join(', ')})`;
}

/** SQL: what the calls in `calls` have cost. */
export const COST_OF_CALLS_SQL = '(select coalesce(sum(calls.cost_usd), 0) from calls)';

/** SQL that adds the calls in `calls` to the usage of the job in the CTE `job`. */
export const ADD_JOB_USAGE_SQL = `insert into job_usage as u (job_id, ${NAMES.join(', ')})
  select job.id, calls.* from job, calls
  on conflict (job_id, stage, model) do update set ${SUMMED.map((name) => `${name} = u.${name} + excluded.${name}`).join(', ')}`;

/** SQL that adds the same to the usage of the job's key. */
export const ADD_CALLS_TO_KEY_SQL = addKeyUsageSql(
  {
    model: 'calls.model',
    inputTokens: 'calls.input_tokens',
    cachedInputTokens: 'calls.cached_input_tokens',
    outputTokens: 'calls.output_tokens',
    costUsd: 'calls.cost_usd',
  },
  'job, calls',
);
