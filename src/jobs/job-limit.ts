import { DAY_MS } from '../common/clock.js';

/**
 * OpenAI promises that a batch ends within this time. A job ends within it too, with the results that are there by
 * then.
 */
export const JOB_LIMIT_MS = DAY_MS;
