// Whether nothing was lost, doubled or miscounted of jobs that have ended: by what the client downloads, by the tables, and
// by the bodies of the webhooks.
import { pause, signed } from '../prove/stage.mjs';
import { ClientRecount, readNdjson, recountTables } from '../prove/recount.mjs';

const ENDED = ['completed', 'failed', 'cancelled'];
const NO_FIGURES = {
  lots: 0,
  not_ended: 0,
  missing: 0,
  doubled: 0,
  wrong_text: 0,
  unfinished_lots: 0,
  failed_beyond_the_bad: 0,
  wrong_counters: 0,
  webhooks: 0,
  lots_in_no_webhook: 0,
  lots_that_differ_in_webhooks: 0,
};

/** Waits until all jobs have ended and everything of them was delivered. @returns the seconds that took */
export async function untilEnded(query, ids, patienceSeconds) {
  const begun = performance.now();
  for (;;) {
    const seconds = (performance.now() - begun) / 1000;
    const { rows } = await query(
      `select (select count(*)::int from batch_jobs where id = any($1::uuid[]) and status not in ('completed', 'failed', 'cancelled'))
        + (select count(*)::int from webhook_deliveries where job_id = any($1::uuid[]) and status in ('pending', 'in_flight'))
        + (select count(*)::int from openai_batches where job_id = any($1::uuid[]) and status not in ('done', 'cancelled')) as left`,
      [ids],
    );
    if (rows[0].left === 0 || seconds > patienceSeconds) return seconds;
    await pause(250);
  }
}

/** @param jobs - `{id, name, lots, languages, images, bad}` of each; every `bad`th lot has photos that are gone, and fails */
export async function countAll(ground, origin, jobs) {
  const figures = { jobs: jobs.length, ...NO_FIGURES };
  const byJob = webhooksByJob(ground.webhooks.bodies);
  for (const { id, name, lots, languages, images, bad } of jobs) {
    const recount = new ClientRecount(name, lots, languages, images);
    const results = new Map();
    const download = await signed(origin, `/api/v1/batch-results/${id}/download?format=ndjson`);
    await readNdjson(download.body, (lot) => {
      recount.add(lot);
      if (lot.lot_id !== undefined) results.set(lot.lot_id, JSON.stringify(shown(lot)));
    });
    const client = recount.report();
    const tables = await recountTables(ground.current.pool, id);
    figures.lots += lots;
    if (!ENDED.includes(tables.status)) figures.not_ended++;
    figures.missing += client.missing;
    figures.doubled += client.doubled;
    figures.wrong_text += client.foreign_text;
    figures.unfinished_lots += client.incomplete;
    const failed = Object.values(client.failed).reduce((sum, count) => sum + count, 0);
    figures.failed_beyond_the_bad += Math.abs(failed - Math.floor(lots / bad));
    if (!tables.right) {
      figures.wrong_counters++;
      console.log(`  counters of ${id}: ${JSON.stringify(tables)}`);
    }
    const told = new Set();
    for (const body of byJob.get(id) ?? []) {
      figures.webhooks++;
      for (const lot of body.lots) {
        told.add(lot.lot_id);
        if (JSON.stringify(shown(lot)) !== results.get(lot.lot_id)) figures.lots_that_differ_in_webhooks++;
      }
    }
    figures.lots_in_no_webhook += lots - told.size;
  }
  const { jobs: _jobs, lots: _lots, webhooks: _webhooks, ...wrong } = figures;
  return { figures, right: Object.values(wrong).every((count) => count === 0) };
}

/** What a lot's text is, whichever way it is sent. */
function shown({ lot_id, status, error, descriptions }) {
  return {
    lot_id,
    status,
    code: error?.code,
    texts: descriptions?.map(({ language, damages }) => [language, damages]),
  };
}

function webhooksByJob(bodies) {
  const byJob = new Map();
  for (const sent of bodies.values()) {
    for (const text of sent) {
      const body = JSON.parse(text);
      if (!/^batch_job_(completed|failed|cancelled)$/.test(body.event)) continue;
      byJob.set(body.job_id, [...(byJob.get(body.job_id) ?? []), body]);
    }
  }
  return byJob;
}
