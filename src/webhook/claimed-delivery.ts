import type { JobOfPart } from '../jobs/part-reader.js';
import type { SendResult, Verdict } from './attempt-outcome.js';
import type { WebhookEvent } from './delivery-states.js';

/** A delivery that this process holds until its lease ends. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly jobId: string | null;
  /** Of a part of a job's lots, as long as the job is there. */
  readonly job: JobOfPart | null;
  readonly keyId: string;
  readonly origin: string;
  readonly url: string;
  readonly event: WebhookEvent;
  readonly part: number;
  readonly parts: number;
  readonly firstPosition: number | null;
  readonly lastPosition: number | null;
  readonly lots: number;
  readonly bytes: number;
  readonly revision: number;
  /** JSON text. */
  readonly payload: string | null;
  readonly bodySha256: string | null;
  /**
   * Which of the key id's secrets signed the job's request; set only for events with a payload. A job's end has it in
   * its job.
   */
  readonly secretFingerprint: string | null;
  /** The number of the attempt that this claim begins. */
  readonly attempt: number;
  readonly failures: number;
  readonly token: string;
  /** How many requests may be in flight to its receiver. */
  readonly slots: number;
  /** How many deliveries of its receiver this claim could take. If it took that many, more may be due. */
  readonly room: number;
  /** True for the single delivery that tries a receiver whose circuit is open. */
  readonly probe: boolean;
  /** True when a success changes nothing in the receiver's row. */
  readonly healthy: boolean;
}

/** An attempt that has ended and is to be written. */
export interface SettledAttempt {
  readonly delivery: ClaimedDelivery;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly result: SendResult;
  readonly verdict: Verdict;
  readonly bodySha256: string | null;
}
