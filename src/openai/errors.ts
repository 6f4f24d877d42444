/**
 * What went wrong between us and OpenAI, grouped by what to do about it.
 *
 * - `rate_limited`: 429 that passes by itself, also `token_limit_exceeded` of the batch queue: wait
 * - `server`: 5xx, 408, 409, or a 200 whose response failed with `server_error`: wait
 * - `connection`: no answer came: wait
 * - `broken_body`: an answer began and could not be read, or was not what the API promises: wait
 * - `too_large`: an answer larger than any normal one: reading was stopped, and the request has failed
 * - `timeout`: our own deadline came first
 * - `quota`: no money or a spend limit: pause the queue until an operator acts
 * - `image`: a photo could not be downloaded or decoded there: leave it out
 * - `context_length`: more input than the model, or its limit per minute, takes: send fewer photos
 * - `model`: the model is gone, unknown or not supported here: change the configuration
 * - `auth`: the key is wrong or may not do this
 * - `refused`: the request was judged unsafe; as final as a refusal in an answer
 * - `rejected`: every other refusal; the same request will be refused again
 * - `circuit_open`: not sent, because the circuit is open
 * - `aborted`: the caller cancelled the call
 */
export type OpenAiErrorKind =
  | 'rate_limited'
  | 'server'
  | 'connection'
  | 'broken_body'
  | 'too_large'
  | 'timeout'
  | 'quota'
  | 'image'
  | 'context_length'
  | 'model'
  | 'refused'
  | 'rejected'
  | 'auth'
  | 'circuit_open'
  | 'aborted';

export interface OpenAiErrorFacts {
  readonly kind: OpenAiErrorKind;
  /** Whether the same call may succeed later; the retry runner and the stages ask this. */
  readonly retryable: boolean;
  /** HTTP status of the answer; undefined when none came. */
  readonly status?: number | undefined;
  /** OpenAI's own code, `invalid_image_url` for one. */
  readonly code?: string | undefined;
  readonly param?: string | undefined;
  /** The `x-request-id` of OpenAI's answer. */
  readonly requestId?: string | undefined;
  /** What OpenAI, or the circuit breaker, asks us to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** That wait is only the time until a limit is fully reset. A call that must end earlier may still try. */
  readonly softWait?: boolean | undefined;
  /**
   * OpenAI's text. It may quote a client's URL, so it is put into no answer, and into the log only for calls that are
   * not about a lot.
   */
  readonly upstreamMessage?: string | undefined;
  /** The `usage` member of a response that failed: its tokens are billed too. */
  readonly usage?: unknown;
  /** False only when the request certainly had no effect: it was never sent, or refused with a 4xx. */
  readonly outcomeUnknown?: boolean;
  readonly cause?: unknown;
}

/** The only error that leaves this room. Its message contains no text from OpenAI or from a client. */
export class OpenAiError extends Error {
  readonly kind: OpenAiErrorKind;
  readonly retryable: boolean;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly param: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly softWait: boolean;
  readonly upstreamMessage: string | undefined;
  readonly usage: unknown;
  /**
   * For calls that make something (`createBatch`): true when nothing was made, because the request was not sent or was
   * refused with a 4xx. False means unknown: look it up before sending again.
   */
  readonly notCreated: boolean;
  /** Requests that were sent for this call, set by the retry runner. */
  attempts = 1;

  constructor(facts: OpenAiErrorFacts) {
    super(describeFacts(facts), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'OpenAiError';
    this.kind = facts.kind;
    this.retryable = facts.retryable;
    this.status = facts.status;
    this.code = facts.code;
    this.param = facts.param;
    this.requestId = facts.requestId;
    this.retryAfterMs = facts.retryAfterMs;
    this.softWait = facts.softWait ?? false;
    this.upstreamMessage = facts.upstreamMessage;
    this.usage = facts.usage;
    this.notCreated = facts.outcomeUnknown === false;
  }
}

function describeFacts({ kind, status, code }: OpenAiErrorFacts): string {
  const details = [status, code?.replace(/[^\w.-]/g, '').slice(0, 64)].filter(
    (part) => part !== undefined && part !== '',
  );
  return `OpenAI call failed: ${kind}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}
