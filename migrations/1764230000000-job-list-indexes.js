/**
 * What a list of a long history still read of the table itself. Synchronous jobs get an index with all that lists filter by, so
 * that `?mode=sync` passes over an offset by the index alone, and a small one to be counted by: equal entries take six bytes a
 * job there. Ids ascend: new ones come last and leave full pages behind, where a descending index splits each page in half.
 * An index alone is enough only for pages that a vacuum has found visible to everybody. Autovacuum comes by default when a
 * fifth of a table has changed; of a million jobs that is 200,000 to be looked up one by one. A fiftieth stays small.
 */
export class JobListIndexes1764230000000 {
  name = 'JobListIndexes1764230000000';

  async up(queryRunner) {
    await queryRunner.query('drop index batch_jobs_listed_idx');
    await queryRunner.query('drop index batch_jobs_key_id_id_idx');
    // Spelt as JobReader spells them, or the planner cannot tell that they fit.
    await queryRunner.query(
      `create index batch_jobs_listed_idx on batch_jobs (key_id, id) include (status, created_at, mode)
       where mode = 'batch' or handed_over_at is not null`,
    );
    await queryRunner.query(
      `create index batch_jobs_sync_idx on batch_jobs (key_id, id) include (status, created_at) where mode = 'sync'`,
    );
    await queryRunner.query(
      `create index batch_jobs_sync_count_idx on batch_jobs (key_id, status) where mode = 'sync'`,
    );
    await queryRunner.query(
      'alter table batch_jobs set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02)',
    );
  }

  async down(queryRunner) {
    await queryRunner.query(
      'alter table batch_jobs reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor)',
    );
    await queryRunner.query('drop index batch_jobs_sync_count_idx');
    await queryRunner.query('drop index batch_jobs_sync_idx');
    await queryRunner.query('drop index batch_jobs_listed_idx');
    await queryRunner.query('create index batch_jobs_key_id_id_idx on batch_jobs (key_id, id desc)');
    await queryRunner.query(
      `create index batch_jobs_listed_idx on batch_jobs (key_id, id desc) include (status, created_at, mode)
       where mode = 'batch' or handed_over_at is not null`,
    );
  }
}
