// A client of the service as the contract describes it: makes jobs, follows them, and puts what it saw into words.
import { pause, signed } from './stage.mjs';
import { readNdjson } from './recount.mjs';

const ENDED = ['completed', 'failed', 'cancelled'];
const PATIENCE_MS = 60_000;

export class JobClient {
  constructor(origin) {
    this.origin = origin;
  }

  /** POST generate-descriptions with these lots; `more` are members of the request. */
  async create(lots, more = {}) {
    const request = { version: '1.0.0', mode: 'batch', languages: ['en', 'de'], lots, ...more };
    return this.json('/api/v1/generate-descriptions', {
      method: 'POST',
      body: Buffer.from(JSON.stringify(request)),
      headers: { 'Content-Type': 'application/json' },
    });
  }

  async status(jobId) {
    const { code, body } = await this.json(`/api/v1/batch-status/${jobId}`);
    return { code, ...body };
  }

  cancel(jobId) {
    return this.json(`/api/v1/batch-jobs/${jobId}/cancel`, { method: 'POST' });
  }

  async jobs() {
    const { body } = await this.json('/api/v1/batch-jobs?limit=1');
    return body.pagination.total;
  }

  /**
   * Asks for the status until `seen` is true for it.
   * @throws Error naming `what` when that takes more than a minute, because a proof must not hang
   */
  async until(jobId, what, seen) {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const status = await this.status(jobId);
      if (await seen(status)) return status;
      if (performance.now() > end) {
        throw new Error(
          `waited a minute for: ${what}; status ${inWords(status)} ${JSON.stringify(status.openai_batches)}`,
        );
      }
      await pause(100);
    }
  }

  ended(jobId) {
    return this.until(jobId, 'the end of the job', ({ status }) => ENDED.includes(status));
  }

  /** Resolves when the service has nothing more to do for the job, even if the client was told of its end before. */
  settled(jobId) {
    return this.until(jobId, 'the job leaves nothing behind', ({ openai_batches }) =>
      openai_batches.every(({ status }) => ['done', 'cancelled'].includes(status)),
    );
  }

  /** Results as NDJSON: HTTP status code, lots, and the text itself. */
  async results(jobId, query = '') {
    const answer = await signed(this.origin, `/api/v1/batch-results/${jobId}${query}`, {
      headers: { Accept: 'application/x-ndjson' },
    });
    const text = await answer.text();
    const lots = [];
    if (answer.status === 200) await readNdjson([Buffer.from(text)], (lot) => lots.push(lot));
    return { code: answer.status, lots, text };
  }

  async json(path, options) {
    const answer = await signed(this.origin, path, options);
    return { code: answer.status, body: await answer.json() };
  }
}

export const hasEnded = ({ status }) => ENDED.includes(status);

/** `200 translating at translation: 40 done, 1 failed, 59 in translation`. */
export function inWords({ code, status, processing_details, progress, stages }) {
  const waiting = Object.entries(stages)
    .filter(([name, count]) => count > 0 && name !== 'completed' && name !== 'failed')
    .map(([name, count]) => `, ${count} ${name}`);
  const { processed_lots: done, failed_lots: failed } = progress;
  return `${code} ${status} at ${processing_details.current_stage}: ${done} done, ${failed} failed${waiting.join('')}`;
}

/** The job's OpenAI batches as the client sees them. */
export function batchesInWords({ openai_batches }) {
  if (openai_batches.length === 0) return 'none';
  return openai_batches
    .map(({ stage, status, openai_status, reason, request_counts: { completed, failed, total } }) => {
      const upstream =
        openai_status === null ? '' : ` (OpenAI: ${openai_status}, ${completed} of ${total} done, ${failed} failed)`;
      return `${stage} ${status}${upstream}${reason === null ? '' : `, reason ${reason}`}`;
    })
    .join('; ');
}

/**
 * How many lots ended how: `{completed: 60, 'failed IMAGE_UNREACHABLE': 20, …}`, and how many texts stand in for another
 * language.
 */
export function countLots(lots) {
  const counts = {};
  const add = (name, by = 1) => (counts[name] = (counts[name] ?? 0) + by);
  for (const { status, error, descriptions, missing_images } of lots) {
    add(error === undefined || error === null ? status : `${status} ${error.code}`);
    const fallbacks = descriptions.filter(({ fallback }) => fallback).length;
    if (fallbacks > 0) add('texts in English instead', fallbacks);
    if (status === 'completed' && missing_images.length > 0) add('completed with a photo missing');
  }
  return counts;
}

export function countsInWords(counts) {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
