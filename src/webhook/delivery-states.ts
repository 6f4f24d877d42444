/** The states of a delivery; docs/architecture.md draws which leads where. What each step writes stands in {@link STEP}. */
export const DELIVERY_STATUSES = ['pending', 'in_flight', 'delivered', 'failed', 'superseded'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** `unknown` until the outcome is written: a process that dies in between leaves it so. */
export type AttemptOutcome = 'unknown' | 'delivered' | 'failed';

/** Everything that a webhook can report. */
export type WebhookEvent =
  'batch_job_completed' | 'batch_job_failed' | 'batch_job_cancelled' | 'batch_job_progress' | 'ping';

/** Deliveries with this many attempts of unknown outcome fail: a body that kills its sender must not do so for ever. */
export const MAX_UNKNOWN_OUTCOMES = 20;

// Conditions of the states in SQL, spelt as the partial indexes have them; `of`: the row's alias with its dot.
export const isPending = (of = '') => `${of}status = 'pending'`;
export const isInFlight = (of = '') => `${of}status = 'in_flight'`;
/** It will be sent, or is just being sent. */
export const isOpen = (of = '') => `${of}status in ('pending', 'in_flight')`;
/** Of progress only the latest state is worth sending, and none of it once the job has ended. */
export const isProgress = (of = '') => `${of}event = 'batch_job_progress'`;
export const tellsOfEnd = (of = '') => `${of}event <> 'batch_job_progress'`;

const UNHELD = 'locked_until = null, lock_token = null';

/** What each step of a delivery writes of its state, as assignments of an update. */
export const STEP = {
  /** $1 the token, $2 the lease in seconds. */
  claim: `status = 'in_flight', lock_token = $1::uuid,
      locked_until = clock_timestamp() + $2::float8 * interval '1 second'`,
  /** Its request never left. */
  handBack: `status = 'pending', ${UNHELD}`,
  /** Its process died: nobody knows whether the request was seen. */
  takeBack: `status = case when unknown_outcomes + 1 >= ${MAX_UNKNOWN_OUTCOMES} then 'failed' else 'pending' end,
         unknown_outcomes = unknown_outcomes + 1, ${UNHELD}`,
  /** The attempt's outcome is the row `o`: its `next_attempt_at` is null where no attempt is left. */
  settle: `status = case when o.outcome = 'delivered' then 'delivered'
      when o.next_attempt_at is null then 'failed' else 'pending' end, ${UNHELD}`,
  /** Its receiver wants no more of this job. */
  endUnsent: `status = 'failed', ${UNHELD}`,
  /** A later event tells what it would have told. */
  supersede: `status = 'superseded'`,
  /** From the start of the schedule, whatever became of it before. */
  sendAgain: `status = 'pending', failures = 0, unknown_outcomes = 0`,
} as const;
