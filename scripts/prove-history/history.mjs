// A history as the service leaves it, made by a few statements: finished synchronous jobs of one key over sixty days, a
// batch of five lots for every two hundred of these jobs, and all rows that belong to them.
import pg from 'pg';
import { jobsFrom } from '../../test/support/a-job.mjs';

/** The days that the history covers. Jobs that ended more than thirty days ago are old enough to be removed. */
const DAYS = 60;
const BATCH_EVERY = 200;
const BATCH_LOTS = 5;
const HANDED_OVER_EVERY = 1000;

/** Those of a history's jobs that a list shows unless it asks for `mode=sync`. */
export function listedOf(jobs) {
  return Math.round(jobs / BATCH_EVERY + jobs / HANDED_OVER_EVERY);
}

/** A migrated database of this name with `jobs` jobs, analyzed as autovacuum leaves one. @returns its address */
export async function makeHistory(stage, migrate, name, jobs) {
  await stage.pool.query(`create database ${name}`);
  const url = new URL(stage.databaseUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    for (const statement of history(jobs)) await client.query(statement);
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
  return url.href;
}

function history(jobs) {
  const batch = `n % ${BATCH_EVERY} = 0`;
  return [
    // Does not wait for the disk, because a history that a crash damages is simply made again.
    'set synchronous_commit = off',
    `create temporary table made as
     select n, uuidv7(-age) as id, now() - age as at, ${batch} as batch,
       case when n % 97 = 0 then 'failed' when n % 89 = 0 then 'cancelled' else 'completed' end as status
     from generate_series(1, ${jobs}) n, lateral (select n * (interval '${DAYS} days' / ${jobs}) as age) a
     order by n desc`,
    jobsFrom(`made, lateral (select case when batch then ${BATCH_LOTS} else 1 end as lots) l`, {
      id: 'id',
      keyId: `'default'`,
      mode: `case when batch then 'batch' else 'sync' end`,
      status: 'status',
      stage: `'done'`,
      languages: `'{en,de}'`,
      totalLots: 'lots',
      processedLots: `case status when 'completed' then lots else 0 end`,
      failedLots: `case status when 'failed' then lots else 0 end`,
      totalImages: 'lots * 5',
      processedImages: 'lots * 5',
      costUsd: '0.01',
      estimatedCostUsd: '0.01',
      version: '4',
      createdAt: 'at',
      updatedAt: 'at',
      startedAt: 'at',
      handedOverAt: `case when n % ${HANDED_OVER_EVERY} = 1 then at end`,
      completedAt: `case when status <> 'cancelled' then at + interval '20 seconds' end`,
      cancelledAt: `case when status = 'cancelled' then at + interval '20 seconds' end`,
    }),
    `create temporary table made_lots as
     select id, at, status, position from made, generate_series(0, case when batch then ${BATCH_LOTS - 1} else 0 end) position`,
    `insert into batch_lots (job_id, position, lot_id, status, processed_images, rendered_bytes, finished_at)
     select id, position, 'lot-' || position, case status when 'completed' then 'completed' else 'failed' end, 5, 900, at from made_lots`,
    `insert into batch_lot_inputs (job_id, position, additional_info, images)
     select id, position, '2021 BMW X5', '["https://cdn.test-host.com/1.jpg"]' from made_lots`,
    `insert into batch_results (job_id, position, language, html, strings, model, created_at)
     select id, position, language, repeat('<li>A dent in the left front door.</li>', 8), '["A dent"]', 'gpt-5.6-terra', at
     from made_lots, unnest('{en,de}'::text[]) language where status = 'completed'`,
    `insert into job_usage (job_id, stage, model, calls, input_tokens, output_tokens, cost_usd)
     select id, 'vision', 'gpt-5.6-terra', 1, 4000, 700, 0.01 from made`,
    `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status, upstream,
       request_total, request_completed, next_check_at, created_at, submitted_at, finished_at)
     select id, 'vision', 0, 0, ${BATCH_LOTS - 1}, 'default', 'gpt-5.6-terra', 'done', 'sandbox', 5, 5, at, at, at, at from made where batch`,
    // Deliveries of batches and of what was handed over, and as many again of a second key.
    `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, status, lots, attempts, first_position,
       last_position, next_attempt_at, created_at, delivered_at)
     select uuidv7(now() - at - interval '1 second'), id, key_id, 'https://a.test', 'https://a.test/hook', 'batch_job_completed',
       case when n % 400 = 0 then 'failed' else 'delivered' end, 1, 1, 0, 0, at, at, at
     from made, unnest('{default,other}'::text[]) key_id where batch or n % ${HANDED_OVER_EVERY} = 1 order by at`,
    `insert into webhook_attempts (delivery_id, attempt, started_at, finished_at, outcome, response_status, duration_ms)
     select id, 1, created_at, created_at, 'delivered', 204, 20 from webhook_deliveries`,
    `insert into webhook_endpoints (key_id, origin, updated_at) values ('default', 'https://a.test', now()), ('other', 'https://a.test', now())`,
    // Idempotency-Keys, of which a hundred are over, however long the history.
    `insert into request_keys (key_id, kind, value, job_id, body_hash, expires_at)
     select 'default', 'idempotency', 'POST /api/v1/generate-descriptions ' || n, id, 'h',
       now() + case when n <= 1000 then interval '-1 minute' else interval '12 hours' end
     from made where n % 10 = 0`,
    // One commit that waits for the disk also writes all earlier ones. Without it, a vacuum that runs at once finds
    // rows whose commit may still be lost. It does not mark their pages as visible to everyone, and each count then
    // reads these pages again.
    'set synchronous_commit = on',
    'drop table made, made_lots',
  ];
}
