// Jobs inserted directly into the tables, for benchmarks that read them.
import { randomBytes } from 'node:crypto';

/** @returns {Promise<string>} the id of a batch job whose lots are in the state that its status needs */
export async function seedJob(client, { lots, status, languages = ['en', 'ru', 'de', 'pl'] }) {
  const id = uuidV7();
  const done = status === 'completed' ? lots : 0;
  await client.query(
    `insert into batch_jobs (id, key_id, secret_fingerprint, mode, status, stage, languages, total_lots,
       processed_lots, awaiting_images, total_images, processed_images, created_at, updated_at, started_at, completed_at)
     values ($1, 'default', 'bench', 'batch', $2, $3, $4, $5, $6, $7, $5 * 8, $6 * 8, now(), now(), now(), $8)`,
    [id, status, done > 0 ? 'done' : 'image_check', languages, lots, done, lots - done, done > 0 ? new Date() : null],
  );
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

/** Time first, as the service's own ids are. */
function uuidV7() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
