// The rows of jobs, counted and hashed without the service's code.

export const TABLES = ['batch_lots', 'batch_lot_inputs', 'batch_results'];

/** `{batch_lots: '30 9f…', …}` of these jobs, or of all that have ended. */
export async function sumsOf(pool, ids) {
  const sums = {};
  for (const table of TABLES) {
    const { rows } = await pool.query(
      `select count(*)::int as n, coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as hash
       from ${table} t where job_id = any($1::uuid[])`,
      [ids],
    );
    sums[table] = `${rows[0].n} ${rows[0].hash}`;
  }
  return sums;
}

export async function rowsOf(pool, ids) {
  const sums = await sumsOf(pool, ids);
  return Object.values(sums).reduce((sum, text) => sum + Number(text.split(' ')[0]), 0);
}

export async function endedJobs(pool) {
  const { rows } = await pool.query(
    `select id from batch_jobs where status = 'completed' and key_id <> '' order by id`,
  );
  return rows.map(({ id }) => id);
}

/** Jobs whose rows are not as many as they must be: one of each lot, and one of each language of each lot. */
export async function wrongJobs(pool) {
  const { rows } = await pool.query(
    `select id from batch_jobs j where key_id <> '' and (status <> 'completed' or processed_lots <> total_lots
       or (select count(*) from batch_lots where job_id = j.id and status = 'completed') <> total_lots
       or (select count(*) from batch_lot_inputs where job_id = j.id) <> total_lots
       or (select count(*) from batch_results where job_id = j.id) <> total_lots * cardinality(languages))`,
  );
  return rows.map(({ id }) => id);
}

/** How the tables are stored: `partitioned`, `plain`, or `plain + N` with former partitions beside it. */
export async function layoutOf(pool) {
  const { rows } = await pool.query(
    `select c.relname as name, c.relkind as kind, (select count(*)::int from pg_inherits where inhparent = c.oid) as under
     from pg_class c where c.oid = any(array(select to_regclass(name) from unnest($1::text[]) t (name)))`,
    [TABLES],
  );
  return Object.fromEntries(
    rows.map(({ name, kind, under }) => [
      name,
      kind === 'p' ? 'partitioned' : under === 0 ? 'plain' : `plain + ${under}`,
    ]),
  );
}
