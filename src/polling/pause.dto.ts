import type { Pauser } from '../jobs/job-pause.js';
import type { JobStatus } from '../jobs/states.js';

/** The present pause of a job. */
export class PauseDto {
  /** Since when the job is paused. */
  paused_at: string;
  /** When it resumes by itself: a job may be paused for seven days in all. */
  resumes_at: string;
  /** Who has paused it: client, operator or both. It goes on when both have resumed it. */
  by: Pauser[];
}

/** A job that was paused or resumed. */
export class PausedJobDto {
  /** The job. */
  job_id: string;
  /** Where the job stands; a pause does not change it. */
  status: JobStatus;
  /** Whether it is paused now. After a resume that is so only if an operator has paused it too. */
  paused: boolean;
  /** The present pause; absent for a job that is not paused. */
  pause?: PauseDto;
  /** What that means, as text for people. */
  message: string;
}
