import { rfc3339 } from '../common/clock.js';
import type { JobRecord } from '../jobs/job-columns.js';
import { resumesAt, type Pauser } from '../jobs/job-pause.js';
import type { PausedJobDto } from './pause.dto.js';

type PausedMembers = Pick<PausedJobDto, 'paused' | 'pause'>;

/** Whether a job is paused, as status, list and the answers to pause and resume show it. */
export function pauseOf(job: JobRecord): PausedMembers {
  const end = resumesAt(job);
  if (job.pausedAt === null || end === null) return { paused: false };
  const by: Pauser[] = [
    ...(job.pausedByClient ? (['client'] as const) : []),
    ...(job.pausedByOperator ? (['operator'] as const) : []),
  ];
  return { paused: true, pause: { paused_at: rfc3339(job.pausedAt), resumes_at: rfc3339(end), by } };
}

/** The answer to a pause or a resume. */
export function pauseAnswer(job: JobRecord): PausedJobDto {
  return { job_id: job.id, status: job.status, ...pauseOf(job), message: messageOf(job) };
}

function messageOf(job: JobRecord): string {
  if (job.pausedAt === null) return 'The job is not paused; it goes on.';
  if (!job.pausedByClient)
    return 'An operator of the service has paused the job; it goes on when the operator resumes it.';
  return 'The job is paused. What OpenAI has is still taken in; nothing else begins until the job is resumed.';
}
