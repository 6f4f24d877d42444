/** Statements of earlier versions that a Citus 13.2 refused, shortened, and the rule by which each is found. */
export const refusedStatements = [
  {
    name: 'a status with whether lots have webhooks',
    rule: 'reads lots in a LATERAL subquery',
    statement: `select id, details from batch_jobs cross join lateral (select json_build_object(
        'lotWebhooks', exists (select 1 from batch_lot_inputs where job_id = batch_jobs.id and webhook is not null)
      )::text as details offset 0) d where id = any($1::uuid[])`,
  },
  {
    name: 'the same asked for each job',
    rule: 'asks for the lots of each row of a table of the coordinator',
    statement: `select id, exists (select 1 from batch_lot_inputs where job_id = batch_jobs.id and webhook is not null) as own
      from batch_jobs where id = any($1::uuid[])`,
  },
  {
    name: 'the parts of webhooks',
    rule: 'reads lots in a LATERAL subquery',
    statement: `select p.n as range, l.position, r.language, case when j.options ? 'include' then r.assessment::text end
      from unnest($1::int[], $2::uuid[], $3::int[], $4::int[], $5::int[]) as p (n, job_id, first, last, revision)
      join batch_jobs j on j.id = p.job_id
      cross join lateral (
        select * from batch_lots where job_id = p.job_id and position between p.first and p.last offset 0) l
      left join batch_results r on r.job_id = l.job_id and r.position = l.position and r.revision <= p.revision
      order by p.n, l.position, r.language, r.revision desc`,
  },
  {
    name: 'abandoned synchronous jobs with their lots',
    rule: 'calls a volatile function in an UPDATE or DELETE of a statement over data nodes',
    statement: `with due as (
        select id from batch_jobs where mode = 'sync' and locked_until < clock_timestamp()
        order by locked_until limit $2 for update skip locked),
      claimed as (
        update batch_jobs j set lock_token = gen_random_uuid(), locked_until = clock_timestamp() + $1 * interval '1 second'
        from due where j.id = due.id returning j.id, j.lock_token)
      select c.*, l.lot_id, i.images, r.strings from claimed c
      join batch_lots l on l.job_id = c.id and l.position = 0
      join batch_lot_inputs i on i.job_id = c.id and i.position = 0
      left join batch_results r on r.job_id = c.id and r.position = 0 and r.language = 'en' and r.revision = 0`,
  },
  {
    name: 'the described lots of a shard',
    rule: 'calls a function that is not immutable in a CASE or COALESCE of an UPDATE or DELETE',
    statement: `update batch_lots l set status = d.status, finished_at = case when d.status = 'completed' then now() end
      from unnest($2::int[], $3::text[]) as d (position, status) where l.job_id = $1 and l.position = d.position`,
  },
  {
    name: 'retention by ctid',
    rule: 'names a ctid, which each shard has of its own',
    statement: `delete from batch_lots where ctid = any(array(select ctid from batch_lots where job_id = any($1::uuid[]) limit $2))`,
  },
  {
    name: 'the lots of a retry',
    rule: 'joins lots with a table of the coordinator',
    statement: `with chosen as materialized (
        select l.position, coalesce(r.root_position, l.position) as root_position
        from batch_lots l left join lot_retries r on r.job_id = l.job_id and r.position = l.position
        where l.job_id = $1 and l.status = 'failed')
      select count(*) from chosen`,
  },
  {
    name: 'which lots another retry has in vain',
    rule: 'reads lots in a LATERAL subquery',
    statement: `with chosen as materialized (select position from batch_lots where job_id = $1)
      select c.position, r.in_vain from chosen c left join lateral (
        select (select l.status <> 'completed' from batch_lots l where l.job_id = r.job_id and l.position = r.position) as in_vain
        from lot_retries r where r.root_id = $2 and r.root_position = c.position and r.current offset 0) r on true`,
  },
  {
    name: 'lots of any job',
    rule: 'does not name the jobs whose lots it wants by a value',
    statement:
      'select l.position from batch_lots l join batch_lot_inputs i using (job_id, position) where i.webhook is not null',
  },
  {
    name: 'JSON of a column, written',
    rule: 'calls a stable function of columns in an UPDATE or DELETE of lots',
    statement: `update batch_lot_inputs set images = json_build_array('https://cdn.test/' || position) where job_id = $1`,
  },
  {
    name: 'locks over many jobs',
    rule: 'locks lots of more than one job',
    statement: 'select position from batch_lots where job_id = any($1::uuid[]) for update',
  },
] as const;
