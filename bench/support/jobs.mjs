// Jobs inserted directly into the tables, for benchmarks that read them.
import { aJob } from '../../test/support/a-job.mjs';

/** @returns {Promise<string>} the id of a batch job whose lots are in the state that its status needs */
export async function seedJob(client, { lots, status, languages = ['en', 'ru', 'de', 'pl'] }) {
  const done = status === 'completed' ? lots : 0;
  const id = await aJob(client, {
    keyId: 'default',
    status,
    stage: done > 0 ? 'done' : 'image_check',
    languages,
    totalLots: lots,
    processedLots: done,
    awaitingImages: lots - done,
    totalImages: lots * 8,
    processedImages: done * 8,
    startedAt: new Date(),
    completedAt: done > 0 ? new Date() : null,
  });
  await client.query(
    `insert into batch_lots (job_id, position, lot_id, status, processed_images, rendered_bytes, finished_at)
     select $1, n, 'lot-' || lpad(n::text, 8, '0'), $3, $4, 1500, case when $3 = 'completed' then now() end
     from generate_series(0, $2 - 1) n`,
    [id, lots, done > 0 ? 'completed' : 'pending', done > 0 ? 8 : 0],
  );
  await client.query(
    `insert into batch_lot_inputs (job_id, position, images)
     select $1, n, '["https://cdn.example.com/1.jpg"]' from generate_series(0, $2 - 1) n`,
    [id, lots],
  );
  return id;
}
