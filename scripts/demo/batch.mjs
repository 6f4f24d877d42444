// The second half of the demo: a batch, its progress, its results and its webhook.
import { setTimeout as wait } from 'node:timers/promises';
import { signedFetch } from './client.mjs';
import { CATALOGUE, differences, lotOf } from './drawn-lots.mjs';
import { asDrawn } from './one-lot.mjs';
import { line, reviewLine, textLines } from './read-aloud.mjs';

/** Far more than the sandbox needs; a demo must not hang. */
const PATIENCE_MS = 120_000;

/**
 * Sends a night's catalogue and follows it to the end.
 * @returns problems; none when all lots came back with what is drawn, and the webhook was verified
 */
export async function followBatch({ origin, key, receiver, events, say, detail, progress }) {
  const from = performance.now();
  const body = {
    version: '1.0.0',
    languages: ['en', 'de'],
    mode: 'batch',
    include: ['assessment'],
    webhook_url: `${receiver.origin}/hook`,
    metadata: { auction: 'demo' },
    lots: CATALOGUE.map((car) => lotOf(car, origin)),
  };
  const accepted = await signedFetch({ origin, key, method: 'POST', path: '/api/v1/generate-descriptions', body });
  const job = await accepted.json();
  detail(
    `\nPOST /api/v1/generate-descriptions with ${CATALOGUE.length} lots: ${accepted.status} ${accepted.statusText}`,
  );
  if (accepted.status !== 201) return [`201 was expected: ${JSON.stringify(job, null, 2)}`];
  detail(`  estimated_cost_usd ${job.estimated_cost_usd}, estimated_completion ${job.estimated_completion}`);

  detail(`\nGET /api/v1/batch-status/${job.job_id}`);
  const status = await untilEnded({ origin, key, jobId: job.job_id, progress });
  if (status.status !== 'completed') return [`the batch did not complete: ${JSON.stringify(status, null, 2)}`];
  const took = `completed in ${((performance.now() - from) / 1000).toFixed(1)} s`;
  const { lots, problems } = await results({ origin, key, jobId: job.job_id, detail });
  const review = lots.filter((lot) => lot.needs_review.value);
  const usd = status.usage.cost_usd.toFixed(2);
  say(
    line(
      `A batch of ${CATALOGUE.length} other lots`,
      `${took}, ${review.length} for review${asDrawn(problems)}, ${usd} USD by OpenAI's prices`,
    ),
  );
  for (const { lot_id: id, needs_review: needed, descriptions } of [...review.slice(0, 1), ...lots.slice(1, 2)]) {
    detail(`\n  ${id}: needs_review ${reviewLine(needed)}`);
    for (const line of textLines(descriptions[0].damages)) detail(`  ${line}`);
  }
  return [...problems, ...(await webhook({ events, jobId: job.job_id, say, detail }))];
}

/** The job's lots as they come, one a line. */
async function results({ origin, key, jobId, detail }) {
  const path = `/api/v1/batch-results/${jobId}`;
  const ndjson = await signedFetch({ origin, key, path, headers: { Accept: 'application/x-ndjson' } });
  const lines = (await ndjson.text()).split('\n').filter((line) => line !== '');
  const lots = lines.map((line) => JSON.parse(line)).filter((lot) => lot.lot_id !== undefined);
  detail(`\nGET ${path} (application/x-ndjson): ${lots.length} lots; two of them:`);
  const byId = new Map(lots.map((lot) => [lot.lot_id, lot]));
  const problems = CATALOGUE.flatMap((car) => {
    const lot = byId.get(car.name);
    return lot?.status === 'completed' ? differences(car, lot) : [`${car.name}: ${lot?.status ?? 'missing'}`];
  });
  return { lots, problems };
}

async function webhook({ events, jobId, say, detail }) {
  const deadline = Date.now() + PATIENCE_MS;
  const arrived = () => events.find(({ event }) => event?.job_id === jobId);
  while (arrived() === undefined && Date.now() < deadline) await wait(50);
  if (arrived() === undefined) return ['no webhook came'];
  const { event, headers, problems } = arrived();
  const verdict = problems.length === 0 ? 'signatures verified' : `NOT VERIFIED: ${problems.join('; ')}`;
  detail(`\nThe webhook: webhook-id ${headers['webhook-id']}, attempt ${headers['x-delivery-attempt']}`);
  say(
    line(
      'Its webhook',
      `${event.event}, part ${event.part.number} of ${event.part.of}, ${event.lots.length} lots, ${verdict}`,
    ),
  );
  return problems;
}

/** Waits by long polls until the job has ended, and shows its progress. */
async function untilEnded({ origin, key, jobId, progress }) {
  const path = `/api/v1/batch-status/${jobId}`;
  const deadline = Date.now() + PATIENCE_MS;
  let etag = '';
  let status = {};
  while (Date.now() < deadline) {
    const headers = { Prefer: 'wait=5', ...(etag === '' ? {} : { 'If-None-Match': etag }) };
    const answer = await signedFetch({ origin, key, path, headers });
    etag = answer.headers.get('etag') ?? etag;
    if (answer.status === 200) status = await answer.json();
    else await answer.arrayBuffer();
    progress(bar(status));
    if (['completed', 'failed', 'cancelled'].includes(status.status)) break;
  }
  progress('');
  return status;
}

function bar(status) {
  const percent = status.progress?.completion_percentage ?? 0;
  const filled = Math.round(percent / 4);
  const stage = (status.processing_details?.current_stage ?? 'image_check').padEnd(16);
  return `  [${'#'.repeat(filled)}${'.'.repeat(25 - filled)}] ${String(percent).padStart(5)} %  ${status.status ?? ''} ${stage}`;
}
