/**
 * What each key has used, by day, model and mode. A transaction that counts a call only adds a row to key_usage_entries, so that
 * calls never wait for each other; a worker adds these rows to key_usage.
 */
export class KeyUsage1764360000000 {
  name = 'KeyUsage1764360000000';
  tables = ['key_usage', 'key_usage_entries'];

  async up(queryRunner) {
    await queryRunner.query(`create table key_usage (
      key_id text not null,
      -- In UTC.
      day date not null,
      model text not null,
      mode text not null,
      lots bigint not null,
      input_tokens bigint not null,
      cached_input_tokens bigint not null,
      output_tokens bigint not null,
      cost_usd numeric(20,8) not null,
      constraint key_usage_pkey primary key (key_id, day, model, mode)
    )`);
    await queryRunner.query(`create table key_usage_entries (
      key_id text not null,
      day date not null,
      id uuid not null,
      model text not null,
      mode text not null,
      lots bigint not null,
      input_tokens bigint not null,
      cached_input_tokens bigint not null,
      output_tokens bigint not null,
      cost_usd numeric(16,8) not null,
      constraint key_usage_entries_pkey primary key (key_id, day, id)
    )`);
    // The jobs that are still here. When each call was made is not known any more, so all of a job counts for the day on which
    // it ended, or last changed; its lots count for the vision model that answered most of its calls. A job whose removal has
    // begun has no key.
    await queryRunner.query(`insert into key_usage
      select j.key_id, (coalesce(j.completed_at, j.cancelled_at, j.updated_at) at time zone 'utc')::date, u.model, j.mode,
        coalesce(sum(j.processed_lots) filter (where u.has_lots), 0), sum(u.input_tokens), sum(u.cached_input_tokens),
        sum(u.output_tokens), sum(u.cost_usd)
      from (select *, stage = 'vision' and row_number() over (partition by job_id, stage order by calls desc, model) = 1 as has_lots
            from job_usage) u
      join batch_jobs j on j.id = u.job_id
      where j.key_id <> ''
      group by 1, 2, 3, 4`);
  }

  async down(queryRunner) {
    await queryRunner.query('drop table key_usage_entries');
    await queryRunner.query('drop table key_usage');
  }
}
