// Ended jobs of the proofs' key, made by a few statements.
import { v7 } from 'uuid';
import { aJob, jobsFrom } from '../../test/support/a-job.mjs';

const LANGUAGES = ['en', 'de'];

/** An ended job of `lots` lots, each with a text of some 700 bytes in each language. */
export async function largeJob(pool, lots, keyId = 'default') {
  const id = await aJob(pool, {
    keyId,
    status: 'completed',
    stage: 'done',
    languages: LANGUAGES,
    totalLots: lots,
    processedLots: lots,
    showsReview: true,
    version: 9,
    completedAt: new Date(),
  });
  await pool.query(
    `insert into batch_lots (job_id, position, lot_id, status, processed_images, rendered_bytes, finished_at)
     select $1::uuid, n, 'lot-' || n, 'completed', 12, 1600, now() from generate_series(0, $2 - 1) n`,
    [id, lots],
  );
  await pool.query(
    `insert into batch_results (job_id, position, language, html, strings, needs_review, raw, created_at)
     select $1::uuid, n, language, repeat('<li>Left front door: dent, moderate (photos 1, 4)</li>', 13) || n, '[]',
       case when language = 'en' then json_build_object('value', n % 10 = 0, 'reasons', '[]'::json) end,
       case when language = 'en' then '{}'::json end, now()
     from generate_series(0, $2 - 1) n, unnest($3::text[]) language`,
    [id, lots, LANGUAGES],
  );
  return id;
}

/** As many ended jobs that lists show, without lots. */
export async function listedJobs(pool, jobs) {
  const ids = Array.from({ length: jobs }, () => v7());
  await pool.query(
    jobsFrom('unnest($1::uuid[]) as made (id)', {
      id: 'id',
      keyId: `'default'`,
      status: `'completed'`,
      stage: `'done'`,
      processedLots: '1',
      webhookUrl: `'https://a.test/hook'`,
      completedAt: 'now()',
    }),
    [ids],
  );
  await pool.query('vacuum analyze batch_jobs');
}
