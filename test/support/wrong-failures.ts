import type { Database } from '../../src/database/database.service.js';

/** The jobs whose failures, as counted on their way, are not what their lots say. */
export async function wrongFailures(database: Database): Promise<unknown[]> {
  return database.query(
    `select j.id, j.status, j.failures as counted, l.failures as "inLots" from batch_jobs j
     cross join lateral (
       select coalesce(jsonb_object_agg(code, jsonb_build_object('lots', lots, 'first', first, 'last', last)), '{}') as failures
       from (
         select error->>'code' as code, count(*) as lots, min(finished_at) as first, max(finished_at) as last
         from batch_lots where job_id = j.id and status = 'failed' group by 1
       ) by_code
     ) l where j.failures <> l.failures`,
  );
}
