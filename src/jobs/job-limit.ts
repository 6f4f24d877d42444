import { DAY_MS } from '../common/clock.js';

/** What OpenAI promises of a batch, and we of a job: it has ended within this time of its acceptance, with what there is by then. */
export const JOB_LIMIT_MS = DAY_MS;
