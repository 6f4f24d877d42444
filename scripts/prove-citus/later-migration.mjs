// A later migration of each kind that CONTRIBUTING.md allows on the large tables: it must run plain, partitioned and distributed.
export class Later9000000000000 {
  name = 'Later9000000000000';

  async up(runner) {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`alter table batch_lots add column later integer not null default 7, add column note text`);
    await runner.query(`alter table batch_lots add constraint batch_lots_later_check check (later > 0)`);
    await runner.query(`create index batch_results_later_idx on batch_results (job_id, position) where fallback`);
    await runner.query(`alter table batch_lot_inputs alter column additional_info set default ''`);
    await runner.query(`alter table batch_results set (fillfactor = 90)`);
    // All rows by one statement, and by another table's rows.
    await runner.query(`update batch_lots set note = lot_id || '!' where status = 'completed'`);
    await runner.query(
      `create temp table later_jobs on commit drop as
       select job_id, count(*)::int as lots from batch_lots group by job_id`,
    );
    await runner.query(`alter table batch_jobs add column later_lots integer`);
    await runner.query(`update batch_jobs j set later_lots = l.lots from later_jobs l where l.job_id = j.id`);
    // A job at a time.
    await runner.query(
      `do $$ declare one record; begin
         for one in select id from batch_jobs loop
           update batch_lots set later = 8 where job_id = one.id and position = 0;
         end loop; end $$`,
    );
  }

  async down(runner) {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`alter table batch_jobs drop column later_lots`);
    await runner.query(`alter table batch_results reset (fillfactor)`);
    await runner.query(`alter table batch_lot_inputs alter column additional_info drop default`);
    await runner.query(`drop index batch_results_later_idx`);
    await runner.query(`alter table batch_lots drop constraint batch_lots_later_check`);
    await runner.query(`alter table batch_lots drop column note, drop column later`);
  }
}
