import { ServiceError } from '../common/service-error.js';
import type { JobRecord } from '../jobs/job-columns.js';
import type { PauseRefusal } from '../jobs/job-pause.js';

export type PauseRefused = PauseRefusal | 'no_such_job';

/** Why a job was neither paused nor resumed, for clients and operators alike. */
export function notPausable(job: Pick<JobRecord, 'status'>, why: PauseRefused): ServiceError {
  return new ServiceError('JOB_NOT_PAUSABLE', messageOf(job, why), { members: { status: job.status } });
}

function messageOf(job: Pick<JobRecord, 'status'>, why: PauseRefused): string {
  switch (why) {
    case 'ended':
    case 'no_such_job':
      return `The job has already ended; its status is ${job.status}.`;
    case 'synchronous':
      return 'Only batch jobs can be paused; this job is synchronous. It can be cancelled.';
    case 'used_up':
      return 'The job was paused for seven days in all, which is the most; it cannot be paused again.';
  }
}
