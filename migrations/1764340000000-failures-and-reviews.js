/**
 * A job's failed lots by code, so that its status can tell them without reading a lot, and an index of the lots that a person
 * should look at, so that results can be asked for by that.
 * Failures of before are counted here, once, over all failed lots, before any lock is taken. A process of the version before
 * that still runs raises failed_lots alone: its failures are missing in `failures`, and nothing else is wrong with them.
 * Nothing waits longer than 5 s for a lock, or all requests would queue behind the one that waits; the migration can be run again.
 */
export class FailuresAndReviews1764340000000 {
  name = 'FailuresAndReviews1764340000000';

  async up(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(
      `create temp table counted_failures on commit drop as
       select job_id, jsonb_object_agg(code, jsonb_build_object('lots', lots, 'first', first, 'last', last)) as failures
       from (
         select l.job_id, l.error->>'code' as code, count(*) as lots, min(coalesce(l.finished_at, j.updated_at)) as first,
           max(coalesce(l.finished_at, j.updated_at)) as last
         from batch_lots l join batch_jobs j on j.id = l.job_id
         where l.status = 'failed' and l.error->>'code' is not null group by 1, 2
       ) by_code group by 1`,
    );
    // Spelt as lot-filter-store.ts spells it, or the planner cannot tell that it fits.
    await queryRunner.query(
      `create index batch_results_review_idx on batch_results (job_id, position)
       where language = 'en' and needs_review->>'value' = 'true'`,
    );
    await queryRunner.query(`alter table batch_jobs add column failures jsonb not null default '{}'`);
    await queryRunner.query(
      `update batch_jobs j set failures = c.failures from counted_failures c where j.id = c.job_id`,
    );
  }

  async down(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query('alter table batch_jobs drop column failures');
    await queryRunner.query('drop index batch_results_review_idx');
  }
}
