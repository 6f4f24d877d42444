/**
 * How often a shard, or a synchronous job, met an error that nothing foresees, how often a lot alone got no answer, and what of a job's limit is taken by
 * calls whose cost is not known yet. Both must survive the process that counted them.
 */
export class BoundTries1764210000000 {
  name = 'BoundTries1764210000000';

  async up(queryRunner) {
    await queryRunner.query(
      `alter table batch_jobs
         add column reserved_usd numeric(16,8) not null default 0,
         add column takeovers smallint not null default 0`,
    );
    await queryRunner.query(
      `alter table openai_batches
         add column reserved_usd numeric(16,8) not null default 0,
         add column failures smallint not null default 0`,
    );
    // Null until it happens: rows of lots stay as narrow as they were.
    await queryRunner.query('alter table batch_lots add column unanswered smallint');
  }

  async down(queryRunner) {
    await queryRunner.query('alter table batch_lots drop column unanswered');
    await queryRunner.query('alter table openai_batches drop column failures, drop column reserved_usd');
    await queryRunner.query('alter table batch_jobs drop column takeovers, drop column reserved_usd');
  }
}
