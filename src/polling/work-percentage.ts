import { isTerminal } from '../jobs/states.js';
import type { JobRecord } from '../jobs/job-columns.js';
import type { ShardDetail } from '../batch/shards/job-shard-store.js';

/** What the stages take of a job's time, roughly, in per cent. */
const SHARES = { photos: 5, vision: 60, translation: 30, end: 5 };

/**
 * Only first tries are counted. OpenAI counts a lot that is asked for again a second time. See batch/shards/tries.ts.
 */
const TRIES = 4;

/**
 * How much of a job's work is done, in per cent with at most two decimals. Unlike completion_percentage it moves while
 * a batch is on its way: OpenAI counts the requests that it has answered long before their results are taken in.
 *
 * Each stage counts the lots that have left it, or that OpenAI has answered where those are more. All of these only
 * grow, and so does the sum; 100 is kept for jobs that have ended.
 */
export function workPercentage(job: JobRecord, batches: readonly ShardDetail[]): number {
  if (isTerminal(job.status)) return 100;
  const ended = job.processedLots + job.failedLots;
  const checked = job.totalLots - job.awaitingImages;
  const seen = Math.min(checked, Math.max(checked - job.awaitingVision, answered(batches, 'vision') + job.failedLots));
  const translated = Math.min(
    checked - job.awaitingVision,
    Math.max(ended, answered(batches, 'translation') + job.failedLots),
  );
  const hasTranslation = job.languages.some((language) => !/^en(?:-|$)/i.test(language));
  const vision = SHARES.vision + (hasTranslation ? 0 : SHARES.translation);
  const translation = hasTranslation ? SHARES.translation : 0;
  const done = SHARES.photos * checked + vision * seen + translation * translated + SHARES.end * ended;
  return Math.min(99.99, Math.floor((100 * done) / job.totalLots) / 100);
}

/** Requests of first tries that OpenAI has answered, well or not. */
function answered(batches: readonly ShardDetail[], stage: ShardDetail['stage']): number {
  return batches
    .filter((batch) => batch.stage === stage && batch.attempt % TRIES === 0)
    .reduce((sum, batch) => sum + batch.request_completed + batch.request_failed, 0);
}
