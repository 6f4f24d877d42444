/**
 * Which lots have a webhook of their own, without the address itself: an entry of an index holds 2,704 bytes and an address may have
 * 4,096 characters, so a lot with such an address was refused as an internal error.
 * Nothing waits longer than 5 s for a lock, or all requests would queue behind the one that waits; the migration can be run again.
 */
export class LotWebhookIndex1764400000000 {
  name = 'LotWebhookIndex1764400000000';

  async up(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query('drop index batch_lot_inputs_webhook_idx');
    await queryRunner.query(
      'create index batch_lot_inputs_webhook_idx on batch_lot_inputs (job_id, position) where webhook is not null',
    );
  }

  async down(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query('drop index batch_lot_inputs_webhook_idx');
    await queryRunner.query(
      'create index batch_lot_inputs_webhook_idx on batch_lot_inputs (job_id, position) include (webhook) where webhook is not null',
    );
  }
}
