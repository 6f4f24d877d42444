/**
 * The states of a delivery. docs/architecture.md draws the steps between them; {@link STEP} has what each step writes.
 */
export const DELIVERY_STATUSES = ['pending', 'in_flight', 'delivered', 'failed', 'superseded'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** `unknown` until the outcome is written; it stays so when the process dies before that. */
export type AttemptOutcome = 'unknown' | 'delivered' | 'failed';

/** The events that a webhook can report. */
export type WebhookEvent =
  | 'batch_job_completed'
  | 'batch_job_failed'
  | 'batch_job_cancelled'
  | 'batch_job_progress'
  | 'delivery_exhausted'
  | 'receiver_recovered'
  | 'ping';

/**
 * A delivery with this many attempts of unknown outcome fails. Otherwise a body that kills its process would do so
 * again and again.
 */
export const MAX_UNKNOWN_OUTCOMES = 20;

// SQL conditions of the states, written as in the partial indexes. `of`: the row's alias with its dot.
export const isPending = (of = '') => `${of}status = 'pending'`;
export const isInFlight = (of = '') => `${of}status = 'in_flight'`;
/** Its schedule is used up, or its address is gone. */
export const isGivenUp = (of = '') => `${of}status = 'failed'`;
/** It waits to be sent, or is just being sent. */
export const isOpen = (of = '') => `${of}status in ('pending', 'in_flight')`;
/** It reports progress: only the latest state is sent, and nothing once the job has ended. */
export const isProgress = (of = '') => `${of}event = 'batch_job_progress'`;
/** It reports a job's end. Only such deliveries are sent again together, and only of them it is reported that they failed. */
export const tellsOfEnd = (of = '') =>
  `${of}event in ('batch_job_completed', 'batch_job_failed', 'batch_job_cancelled')`;

const UNHELD = 'locked_until = null, lock_token = null';

/** What each step of a delivery writes, as assignments of an update. */
export const STEP = {
  /** $1 the token, $2 the lease in seconds. */
  claim: `status = 'in_flight', lock_token = $1::uuid,
      locked_until = clock_timestamp() + $2::float8 * interval '1 second'`,
  /** Its request was never sent. */
  handBack: `status = 'pending', ${UNHELD}`,
  /** Its process died, so it is unknown whether the request was received. */
  takeBack: `status = case when unknown_outcomes + 1 >= ${MAX_UNKNOWN_OUTCOMES} then 'failed' else 'pending' end,
         unknown_outcomes = unknown_outcomes + 1, ${UNHELD}`,
  /** The row `o` has the attempt's outcome; its `next_attempt_at` is null when no attempt is left. */
  settle: `status = case when o.outcome = 'delivered' then 'delivered'
      when o.next_attempt_at is null then 'failed' else 'pending' end, ${UNHELD},
    awaits_recovery = d.awaits_recovery and o.outcome <> 'delivered'`,
  /** Its receiver answered 410 to another delivery of this job. */
  endUnsent: `status = 'failed', ${UNHELD}`,
  /** A later event replaces it. */
  supersede: `status = 'superseded'`,
  /** It starts over at the beginning of the schedule, from any state but `in_flight`. */
  sendAgain: `status = 'pending', failures = 0, unknown_outcomes = 0, awaits_recovery = false`,
} as const;
