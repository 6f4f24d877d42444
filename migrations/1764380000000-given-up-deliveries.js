/**
 * Which given-up deliveries wait for their address to answer again, because their client asked to be told. The partial index is
 * empty as long as nothing was given up, so that each write of outcomes can look there.
 */
export class GivenUpDeliveries1764380000000 {
  name = 'GivenUpDeliveries1764380000000';

  async up(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query('alter table webhook_deliveries add column awaits_recovery boolean not null default false');
    // Not by url: an entry of an index holds 2,704 bytes, and an address has up to 4,096 characters.
    await queryRunner.query(
      'create index webhook_deliveries_awaits_recovery_idx on webhook_deliveries (key_id, origin) where awaits_recovery',
    );
  }

  async down(queryRunner) {
    await queryRunner.query('drop index webhook_deliveries_awaits_recovery_idx');
    await queryRunner.query('alter table webhook_deliveries drop column awaits_recovery');
  }
}
