/** Some acts of operators are on no job, such as making the tables of lots partitioned ones. */
export class ActsWithoutJob1764430000000 {
  name = 'ActsWithoutJob1764430000000';

  async up(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query('alter table operator_acts alter column job_id drop not null');
  }

  async down(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    // The rows stay: nothing removes what operators did.
    await queryRunner.query(
      `update operator_acts set job_id = '00000000-0000-0000-0000-000000000000' where job_id is null`,
    );
    await queryRunner.query('alter table operator_acts alter column job_id set not null');
  }
}
