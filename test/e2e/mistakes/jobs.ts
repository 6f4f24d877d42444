import { GENERATE } from '../../support/service.js';
import { JSON_TYPE, members, mistake, type Mistake } from './mistake.js';

const UNKNOWN_JOB = '0190163d-8694-739b-aea5-966c26f8ad90';

/** Of requests that follow a job. */
export const JOBS: readonly Mistake[] = [
  mistake(
    'an Idempotency-Key for another body',
    async ({ service }) => {
      const headers = { 'Idempotency-Key': 'one-for-all' };
      await service.generate(service.request({ mode: 'batch' }), { headers });
      return service.generate(service.request({ mode: 'batch' }), { headers });
    },
    422,
    'IDEMPOTENCY_KEY_REUSED',
    'another',
    'key',
  ),
  mistake(
    'the status of a job that is not there',
    ({ service }) => service.send(`/api/v1/batch-status/${UNKNOWN_JOB}`),
    404,
    'JOB_NOT_FOUND',
    'This key',
  ),
  mistake(
    "the status of another key's job",
    ({ service, ended }) => service.send(`/api/v1/batch-status/${ended}`, { keyId: 'beta' }),
    404,
    'JOB_NOT_FOUND',
    'This key',
  ),
  mistake(
    'a lot_id for a job_id',
    ({ service }) => service.send('/api/v1/batch-status/11-12345'),
    404,
    'JOB_NOT_FOUND',
    'job_id',
  ),
  mistake(
    'cancel of a job that has ended',
    ({ service, ended }) => service.send(`/api/v1/batch-jobs/${ended}/cancel`, { method: 'POST' }),
    409,
    'JOB_NOT_CANCELLABLE',
    'completed',
  ),
  mistake(
    'retry of a job that runs',
    ({ service, running }) =>
      service.send(`/api/v1/batch-jobs/${running}/retry`, { method: 'POST', headers: JSON_TYPE }, '{}'),
    409,
    'JOB_NOT_FINISHED',
    /end|cancel/,
  ),
  mistake(
    'retry of a job in which nothing failed',
    ({ service, ended }) =>
      service.send(`/api/v1/batch-jobs/${ended}/retry`, { method: 'POST', headers: JSON_TYPE }, '{}'),
    422,
    'NOTHING_TO_RETRY',
    'was described',
  ),
  mistake(
    'a lot that the job does not have',
    ({ service, ended }) => service.send(`/api/v1/batch-results/${ended}?lot_id=99`),
    404,
    'LOT_NOT_FOUND',
    '99',
  ),
  mistake(
    'results of a status that lots do not have',
    ({ service, ended }) => service.send(`/api/v1/batch-results/${ended}?status=error`),
    400,
    'VALIDATION_FAILED',
    'status',
    'failed',
  ),
];

/** Of the address. */
export const ROUTES: readonly Mistake[] = [
  mistake('GET in place of POST', ({ service }) => service.send(GENERATE), 405, 'METHOD_NOT_ALLOWED', 'POST'),
  mistake('version 2', ({ service }) => service.send('/api/v2/batch-jobs'), 404, 'NOT_FOUND', '/api/v1'),
  mistake('a path without /api', ({ service }) => service.send('/v1/batch-jobs'), 404, 'NOT_FOUND', '/api/v1'),
  mistake(
    "the older service's path",
    ({ service }) => service.send('/api/v1/generate', { method: 'POST', headers: JSON_TYPE }, '{}'),
    404,
    'NOT_FOUND',
    '/api/v1/generate-descriptions',
  ),
  mistake(
    'a misspelt path',
    ({ service, ended }) => service.send(`/api/v1/batch-result/${ended}`),
    404,
    'NOT_FOUND',
    'GET /api/v1/batch-results/{job_id}',
  ),
  mistake(
    'a date that is none',
    ({ service }) => service.send('/api/v1/batch-jobs?created_after=01.02.2026'),
    400,
    'VALIDATION_FAILED',
    'created_after',
    /RFC 3339|2026-/,
  ),
  mistake(
    'a negative limit',
    ({ service }) => service.send('/api/v1/batch-jobs?limit=-1'),
    400,
    'VALIDATION_FAILED',
    'limit',
  ),
  mistake(
    'usage of a month',
    ({ service }) => service.send('/api/v1/usage?from=2026-01'),
    400,
    'VALIDATION_FAILED',
    'from',
    /2026-/,
  ),
];

/** What is no error, and says so, or is done right all the same. */
export const TAKEN: readonly Mistake[] = [
  members('a misspelt member', { mode: 'batch', max_cost: 25 }, 201, null, 'max_cost (did you mean max_cost_usd?)'),
  mistake(
    'a byte order mark before the body',
    ({ service }) => service.generate(`\ufeff${JSON.stringify(service.request())}`),
    200,
    null,
    'damages',
  ),
  mistake(
    'results before the end',
    ({ service, running }) => service.send(`/api/v1/batch-results/${running}`),
    202,
    null,
    'Job not completed',
    'partial=true',
  ),
  mistake(
    'a misspelt member of a query',
    async ({ service }) => {
      const answer = await service.send('/api/v1/batch-jobs?staus=failed');
      return { ...answer, body: { ...answer.body, ignored: answer.headers.get('X-Ignored-Parameters') } };
    },
    200,
    null,
    'staus',
  ),
];
