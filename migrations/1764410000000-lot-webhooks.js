/**
 * Whether some lot of a job has a webhook of its own, in the job's row. To learn it from the lots, a status had to join a job to its
 * lots one job at a time, which cannot be done where lots lie on other servers than jobs.
 * Jobs that are there are told apart by the index of such lots. Those that a process of the version before makes later do not name
 * the column: they count as having some, which is always safe to believe, and the lots are asked then.
 * Nothing waits longer than 5 s for a lock, or all requests would queue behind the one that waits; the migration can be run again.
 */
export class LotWebhooks1764410000000 {
  name = 'LotWebhooks1764410000000';

  async up(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    // Before any lock is taken; what comes while this runs is looked for again below.
    await queryRunner.query(
      `create temp table jobs_with_webhooks on commit drop as
       select distinct job_id from batch_lot_inputs where webhook is not null`,
    );
    await queryRunner.query(
      'alter table batch_jobs add column if not exists lot_webhooks boolean not null default false',
    );
    // Ids begin with their time in milliseconds, and no upload takes a day.
    await queryRunner.query(
      `insert into jobs_with_webhooks
       select distinct job_id from batch_lot_inputs where webhook is not null and job_id >= (
         lpad(to_hex((extract(epoch from now() - interval '1 day') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid`,
    );
    await queryRunner.query(
      'update batch_jobs set lot_webhooks = true where id in (select job_id from jobs_with_webhooks)',
    );
    await queryRunner.query('alter table batch_jobs alter column lot_webhooks set default true');
    await queryRunner.query(
      'create index if not exists batch_jobs_lot_webhooks_idx on batch_jobs (id) where lot_webhooks',
    );
    // Without statistics the planner takes every other job for one with webhooks. This reads a sample of the table.
    await queryRunner.query('analyze batch_jobs (lot_webhooks)');
  }

  async down(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query('drop index if exists batch_jobs_lot_webhooks_idx');
    await queryRunner.query('alter table batch_jobs drop column if exists lot_webhooks');
  }
}
