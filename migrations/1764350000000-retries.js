/**
 * Lots that failed and are tried once more in a job of their own. `batch_jobs.retry_of` names the job that they came from.
 * `lot_retries` says which lot of it, and which lot a client first sent: that one may be in a single retry at a time, whichever
 * job of the chain the request names. The index over the current rows holds this even if the code did not.
 */
export class Retries1764350000000 {
  name = 'Retries1764350000000';

  async up(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '10s'`);
    await queryRunner.query('alter table batch_jobs add column if not exists retry_of uuid');
    await queryRunner.query(
      'create index if not exists batch_jobs_retry_of_idx on batch_jobs (retry_of, id) where retry_of is not null',
    );
    await queryRunner.query(
      `create table if not exists lot_retries (
         job_id uuid not null,
         position integer not null,
         source_position integer not null,
         root_id uuid not null,
         root_position integer not null,
         current boolean not null default true,
         constraint lot_retries_pkey primary key (job_id, position)
       )`,
    );
    await queryRunner.query(
      `create unique index if not exists lot_retries_current_idx on lot_retries (root_id, root_position) where current`,
    );
  }

  async down(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '10s'`);
    await queryRunner.query('drop table if exists lot_retries');
    await queryRunner.query('drop index if exists batch_jobs_retry_of_idx');
    await queryRunner.query('alter table batch_jobs drop column if exists retry_of');
  }
}
