/**
 * Whether a person should look at a lot, stored with its English row, and which revision of its rows a job shows. Rows and jobs from
 * before have null and false, and read as before: a webhook that is queued must keep its bytes.
 */
export class ReviewsAndRevisions1764320000000 {
  name = 'ReviewsAndRevisions1764320000000';

  async up(queryRunner) {
    await queryRunner.query('alter table batch_results add column needs_review json');
    await queryRunner.query(
      `alter table batch_jobs add column revision smallint not null default 0,
         add column shows_review boolean not null default false`,
    );
  }

  async down(queryRunner) {
    await queryRunner.query('alter table batch_jobs drop column revision, drop column shows_review');
    await queryRunner.query('alter table batch_results drop column needs_review');
  }
}
