import type { Database } from '../../src/database/database.service.js';

/** The jobs whose failures, as counted on their way, are not what their lots say. */
export async function wrongFailures(database: Database): Promise<unknown[]> {
  return database.query(
    `with counted as materialized (
       select job_id, jsonb_object_agg(code, jsonb_build_object('lots', lots, 'first', first, 'last', last)) as failures
       from (
         select job_id, error->>'code' as code, count(*) as lots, min(finished_at) as first, max(finished_at) as last
         from batch_lots where status = 'failed' group by 1, 2
       ) by_code group by 1)
     select j.id, j.status, j.failures as counted, l.failures as "inLots" from batch_jobs j
     left join counted l on l.job_id = j.id where j.failures <> coalesce(l.failures, '{}')`,
  );
}
