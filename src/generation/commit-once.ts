import type { Transaction } from '../database/database.service.js';
import type { JobStore } from '../jobs/job-store.js';

/** What accepts a request. @returns null when it made the job, else the id of the job that the request repeats */
type Acceptance = (tx: Transaction) => Promise<string | null>;

/**
 * Makes a job in one transaction. When the answer to COMMIT is lost, the job's row says whether it happened.
 * @param run - runs the acceptance in a transaction and commits it
 */
export async function commitOnce(
  jobs: Pick<JobStore, 'exists'>,
  jobId: string,
  accept: Acceptance,
  run: (accept: Acceptance) => Promise<string | null>,
): Promise<string | null> {
  let finished = false;
  try {
    return await run(async (tx) => {
      const repeatOf = await accept(tx);
      finished = true;
      return repeatOf;
    });
  } catch (error) {
    if (!finished) throw error;
    if (!(await jobs.exists(jobId).catch(() => false))) throw error;
    return null;
  }
}
