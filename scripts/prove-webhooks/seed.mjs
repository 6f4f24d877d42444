import { Clock } from '../../dist/common/clock.js';
import { OutboxStore } from '../../dist/webhook/outbox-store.js';
import { JobEnder } from '../../dist/jobs/job-ender.js';
import { JobStore } from '../../dist/jobs/job-store.js';
import { LotEndStore } from '../../dist/jobs/lot-end-store.js';
import { ReceiverStore } from '../../dist/webhook/receiver-store.js';
import { WebhookJobEndOutbox } from '../../dist/webhook/job-end-outbox.js';
import { aJob } from '../../test/support/a-job.mjs';

const TEXTS = { languages: ['en'], html: `<p>${'damage '.repeat(100)}</p>`, partLots: 1 };

/**
 * Makes a running job and ends it by the service's own code. Its lots use the addresses in turn, by default with one
 * lot in each delivery.
 * @returns when it ended, on the monotonic clock
 */
export async function endJobWith(ground, urls, lots, { languages, html, partLots } = TEXTS) {
  const id = await aJob(ground, {
    keyId: 'default',
    status: 'processing',
    stage: 'finishing',
    languages,
    totalLots: lots,
    processedLots: lots,
    lotWebhooks: true,
  });
  await ground.query(
    `insert into batch_lots (job_id, position, lot_id, status, processed_images, rendered_bytes, finished_at)
     select $1, p, 'lot-' || p, 'completed', 3, $3, now() from generate_series(0, $2 - 1) p`,
    [id, lots, 150 + languages.length * (Buffer.byteLength(html) + 40)],
  );
  await ground.query(
    `insert into batch_lot_inputs (job_id, position, images, webhook)
     select $1, p, '[]', ($3::text[])[1 + p % cardinality($3::text[])] from generate_series(0, $2 - 1) p`,
    [id, lots, urls],
  );
  await ground.query(
    `insert into batch_results (job_id, position, language, html, strings, created_at)
     select $1, p, language, $3, '[]', now() from generate_series(0, $2 - 1) p, unnest($4::text[]) as language`,
    [id, lots, html, languages],
  );
  const config = {
    webhook: { partLots, partBytes: 1024 * 1024, schedule: [0] },
    openai: { visionModel: 'gpt-5.6-terra' },
  };
  const lotEnds = new LotEndStore();
  const outbox = new OutboxStore(config, new ReceiverStore(ground.database));
  const jobs = new JobStore(ground.database, config);
  const ender = new JobEnder(new Clock(), jobs, lotEnds, new WebhookJobEndOutbox(config, outbox, lotEnds));
  const client = await ground.database.connect();
  try {
    await client.query('begin');
    const tx = {
      client,
      query: async (text, values) => (await client.query(text, values)).rows,
      rows: async (text, values) => (await client.query({ text, values, rowMode: 'array' })).rows,
      execute: async (text, values) => (await client.query(text, values)).rowCount,
    };
    await ender.endJob(tx, id, 'completed');
    await client.query('commit');
    return performance.now();
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
