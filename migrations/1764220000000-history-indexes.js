/**
 * What a long history must not slow down: the list of a key's jobs, and the search for jobs that are old enough to go.
 * Both are partial: a synchronous request that is answered at once is in neither while it runs.
 * Not `concurrently`: a replica that waits for the migrations' lock holds a snapshot, for which that would wait for ever.
 */
export class HistoryIndexes1764220000000 {
  name = 'HistoryIndexes1764220000000';

  async up(queryRunner) {
    // Spelt as JobReader spells it, or the planner cannot tell that it fits; what its filters ask for lies beside it.
    await queryRunner.query(
      `create index batch_jobs_listed_idx on batch_jobs (key_id, id desc) include (status, created_at, mode)
       where mode = 'batch' or handed_over_at is not null`,
    );
    await queryRunner.query(
      `create index batch_jobs_ended_idx on batch_jobs ((coalesce(completed_at, cancelled_at)), id)
       where coalesce(completed_at, cancelled_at) is not null`,
    );
  }

  async down(queryRunner) {
    await queryRunner.query('drop index batch_jobs_ended_idx');
    await queryRunner.query('drop index batch_jobs_listed_idx');
  }
}
