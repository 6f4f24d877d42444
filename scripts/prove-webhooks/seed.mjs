import { randomUUID } from 'node:crypto';
import { newId } from '../../dist/common/ids.js';
import { Clock } from '../../dist/common/clock.js';
import { DeliveryOutbox } from '../../dist/webhook/delivery-outbox.js';
import { JobEnder } from '../../dist/webhook/end-job.js';

/** A running job of one lot a delivery, its lots' addresses in turn; ended by the service's own code. */
export async function endJobWith(ground, urls, lots) {
  const id = newId();
  await ground.query(
    `insert into batch_jobs (id, key_id, secret_fingerprint, mode, status, stage, languages, total_lots,
       processed_lots, created_at, updated_at)
     values ($1, 'default', $2, 'batch', 'processing', 'finishing', '{en}', $3, $3, now(), now())`,
    [id, randomUUID().slice(0, 16), lots],
  );
  await ground.query(
    `insert into batch_lots (job_id, position, lot_id, status, processed_images, rendered_bytes, finished_at)
     select $1, p, 'lot-' || p, 'completed', 3, 1000, now() from generate_series(0, $2 - 1) p`,
    [id, lots],
  );
  await ground.query(
    `insert into batch_lot_inputs (job_id, position, images, webhook)
     select $1, p, '[]', ($3::text[])[1 + p % cardinality($3::text[])] from generate_series(0, $2 - 1) p`,
    [id, lots, urls],
  );
  await ground.query(
    `insert into batch_results (job_id, position, language, html, strings, created_at)
     select $1, p, 'en', '<p>' || repeat('damage ', 100) || p || '</p>', '[]', now() from generate_series(0, $2 - 1) p`,
    [id, lots],
  );
  const config = { webhook: { partLots: 1, partBytes: 1024 * 1024, schedule: [0] } };
  const ender = new JobEnder(config, new Clock(), new DeliveryOutbox(config));
  const client = await ground.database.connect();
  try {
    await client.query('begin');
    const tx = {
      client,
      query: async (text, values) => (await client.query(text, values)).rows,
      execute: async (text, values) => (await client.query(text, values)).rowCount,
    };
    await ender.endJob(tx, id, 'completed');
    await client.query('commit');
  } finally {
    client.release();
  }
}

/** Waits until nothing is pending or in flight, looking twice a second. */
export async function untilSettled(ground, where = 'true') {
  for (;;) {
    const [{ open }] = await ground.query(
      `select count(*)::int as open from webhook_deliveries where status in ('pending', 'in_flight') and ${where}`,
    );
    if (open === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
