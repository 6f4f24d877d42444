// The second half of the demo: a batch, its progress, its results and its webhook.
import { setTimeout as wait } from 'node:timers/promises';
import { signedFetch } from './client.mjs';
import { reviewLine, textLines } from './read-aloud.mjs';

const LOTS = 25;
/** Far more than the sandbox needs; a demo must not hang. */
const PATIENCE_MS = 120_000;

/** Sends 25 lots and follows them to the end; true when all came back and the webhook was verified. */
export async function followBatch({ origin, key, photos, receiver, events, say }) {
  const body = {
    version: '1.0.0',
    languages: ['en', 'de'],
    mode: 'batch',
    webhook_url: `${receiver.origin}/hook`,
    metadata: { auction: 'demo' },
    lots: Array.from({ length: LOTS }, (_, index) => ({
      lot_id: `A-${String(index + 1).padStart(2, '0')}`,
      ...photos.car(index % 3 === 1 ? 'red' : 'blue'),
    })),
  };
  const accepted = await signedFetch({ origin, key, method: 'POST', path: '/api/v1/generate-descriptions', body });
  const job = await accepted.json();
  say(`\nPOST /api/v1/generate-descriptions with ${LOTS} lots: ${accepted.status} ${accepted.statusText}`);
  say(`  estimated_cost_usd ${job.estimated_cost_usd}, estimated_completion ${job.estimated_completion}`);
  if (accepted.status !== 201) {
    say(JSON.stringify(job, null, 2));
    return false;
  }

  say(`\nGET /api/v1/batch-status/${job.job_id}`);
  const status = await untilEnded({ origin, key, jobId: job.job_id });
  if (status.status !== 'completed') {
    say(JSON.stringify(status, null, 2));
    return false;
  }
  const path = `/api/v1/batch-results/${job.job_id}`;
  const ndjson = await signedFetch({ origin, key, path, headers: { Accept: 'application/x-ndjson' } });
  const lots = (await ndjson.text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const described = lots.filter((lot) => lot.lot_id !== undefined);
  const review = described.filter((lot) => lot.needs_review.value).length;
  say(`\nGET ${path} (application/x-ndjson)`);
  say(`  ${described.length} lots, ${review} for review, ${status.usage.cost_usd.toFixed(4)} USD; one of them:`);
  const { lot_id: id, descriptions, needs_review: needsReview } = described[1];
  say(`\n  ${id}: needs_review ${reviewLine(needsReview)}`);
  for (const line of textLines(descriptions[0].damages)) say(`  ${line}`);

  say('\nThe webhook:');
  const deadline = Date.now() + PATIENCE_MS;
  while (!events.some(({ event }) => event?.job_id === job.job_id) && Date.now() < deadline) await wait(50);
  const arrived = events.find(({ event }) => event?.job_id === job.job_id);
  if (arrived === undefined) return false;
  const { event, headers, problems } = arrived;
  say(`  ${event.event}, part ${event.part.number} of ${event.part.of}, ${event.lots.length} lots`);
  say(`  webhook-id ${headers['webhook-id']}, attempt ${headers['x-delivery-attempt']}`);
  say(problems.length === 0 ? '  signatures verified' : `  NOT VERIFIED: ${problems.join('; ')}`);
  return described.length === LOTS && problems.length === 0;
}

/** Waits by long polls until the job has ended, and shows its progress as a bar. */
async function untilEnded({ origin, key, jobId }) {
  const path = `/api/v1/batch-status/${jobId}`;
  const deadline = Date.now() + PATIENCE_MS;
  let etag = '';
  let status = {};
  let shown = '';
  while (Date.now() < deadline) {
    const headers = { Prefer: 'wait=5', ...(etag === '' ? {} : { 'If-None-Match': etag }) };
    const answer = await signedFetch({ origin, key, path, headers });
    etag = answer.headers.get('etag') ?? etag;
    if (answer.status === 200) status = await answer.json();
    else await answer.arrayBuffer();
    const line = bar(status);
    if (line !== shown) process.stdout.write(process.stdout.isTTY ? `\r${line}` : `${line}\n`);
    shown = line;
    if (['completed', 'failed', 'cancelled'].includes(status.status)) break;
  }
  if (process.stdout.isTTY) process.stdout.write('\n');
  return status;
}

function bar(status) {
  const percent = status.progress?.completion_percentage ?? 0;
  const filled = Math.round(percent / 4);
  const stage = (status.processing_details?.current_stage ?? 'image_check').padEnd(16);
  return `  [${'#'.repeat(filled)}${'.'.repeat(25 - filled)}] ${String(percent).padStart(5)} %  ${status.status ?? ''} ${stage}`;
}
