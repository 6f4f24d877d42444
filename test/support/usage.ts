import type { Database } from '../../src/database/database.service.js';

/** Usage as summed from somewhere: `mode`, with `model` for tokens and cost, without it for lots. */
const OF_JOBS = `
  select j.key_id, j.mode, u.model, 0 as lots, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.cost_usd
    from job_usage u join batch_jobs j on j.id = u.job_id
  union all select key_id, mode, null, processed_lots, 0, 0, 0, 0 from batch_jobs`;
const OF_KEYS = ['key_usage', 'key_usage_entries']
  .map(
    (table) => `
  select key_id, mode, model, 0, input_tokens, cached_input_tokens, output_tokens, cost_usd from ${table}
  union all select key_id, mode, null, lots, 0, 0, 0, 0 from ${table}`,
  )
  .join(' union all ');
const SUMMED = (rows: string) => `
  select key_id, mode, model, sum(lots), sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(cost_usd)
  from (${rows}) rows (key_id, mode, model, lots, input_tokens, cached_input_tokens, output_tokens, cost_usd)
  group by 1, 2, 3
  having sum(lots) + sum(input_tokens) + sum(output_tokens) + sum(cost_usd) <> 0`;

/** Where the usage of keys is not, to the last digit, that of the jobs which are all still there; empty where it is. */
export function usageDifferences(database: Database): Promise<Record<string, unknown>[]> {
  return database.query(
    `(${SUMMED(OF_JOBS)} except ${SUMMED(OF_KEYS)}) union all (${SUMMED(OF_KEYS)} except ${SUMMED(OF_JOBS)})`,
  );
}
