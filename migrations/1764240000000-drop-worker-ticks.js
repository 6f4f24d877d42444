/** `workers.ticks` was never written: a worker's beat alone says that it lives. */
export class DropWorkerTicks1764240000000 {
  name = 'DropWorkerTicks1764240000000';

  async up(queryRunner) {
    await queryRunner.query('alter table workers drop column ticks');
  }

  async down(queryRunner) {
    await queryRunner.query(`alter table workers add column ticks jsonb not null default '{}'`);
  }
}
