import type { GenerateDescriptionsRequest, JobStatus, LotErrorCode } from './types.js';

export interface ClientOptions {
  /** Where the service is, for example `https://descriptions.example.com`. */
  readonly url: string;
  /** The shared key. It never belongs in a public page. */
  readonly secret: string;
  /** Names the key; without it the service tries every live one. */
  readonly keyId?: string;
  /** Attempts after the first (5). */
  readonly retries?: number;
  /** The longest pause in seconds before an attempt (120); asked for a longer one, the client throws. */
  readonly longestPause?: number;
  /** Seconds until an answer must have begun (310: the service answers within 300). */
  readonly timeout?: number;
  readonly fetch?: typeof fetch;
}

/** What is asked for, besides the lots. */
export interface DescribeOptions extends Omit<GenerateDescriptionsRequest, 'lots' | 'version' | 'mode' | 'signature'> {
  /** Made when absent. Set it to repeat a request from another process: the same job answers for 24 h. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface WaitOptions {
  /** Called with every status that differs from the one before. */
  readonly onProgress?: (status: JobStatus) => void;
  readonly signal?: AbortSignal;
}

export interface CommandOptions {
  /** Made when absent. A repeat with the same key within 24 h does nothing again. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

type EndState = 'completed' | 'failed' | 'cancelled';

/** Which lots of a job are wanted: a lot must fit all that is given. */
export interface ResultsOptions {
  /** What is there so far, while the job runs. */
  readonly partial?: boolean;
  readonly status?: EndState | readonly EndState[];
  /** Lots that failed with one of these codes. */
  readonly code?: LotErrorCode | readonly LotErrorCode[];
  /** Lots that a person should look at (true), or that nobody needs to (false). */
  readonly needs_review?: boolean;
  readonly lot_id?: string | readonly string[];
  /** Only lots behind this one, in the order of the request. */
  readonly after?: string;
  readonly signal?: AbortSignal;
}

/** Which lots are tried once more: without both, all that failed. */
export interface FailedLots {
  /** `['CANCELLED']` for the lots of a cancelled job that have no result. */
  readonly codes?: readonly LotErrorCode[];
  readonly lot_ids?: readonly (string | number)[];
}

/** Days in UTC, written `2026-01-31`, both included; without them the last thirty. */
export interface UsageOptions {
  readonly from?: string;
  readonly to?: string;
  readonly group_by?: 'day' | 'model' | 'mode';
  readonly signal?: AbortSignal;
}

export interface JobsFilter {
  readonly status?: string;
  readonly mode?: 'sync' | 'batch';
  readonly created_after?: string;
  readonly created_before?: string;
}
