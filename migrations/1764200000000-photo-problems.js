/**
 * Why each photo of missing_images failed, in its order, and which photos a lot that waits for their host still has to ask for.
 * Both null by default, so that neither rewrites a row.
 */
export class PhotoProblems1764200000000 {
  name = 'PhotoProblems1764200000000';

  async up(queryRunner) {
    await queryRunner.query('alter table batch_lots add column missing_reasons json, add column waiting_images json');
  }

  async down(queryRunner) {
    await queryRunner.query('alter table batch_lots drop column missing_reasons, drop column waiting_images');
  }
}
