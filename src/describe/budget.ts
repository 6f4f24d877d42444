import type { CallBounds, HeldCall } from '../assessment/worst-case.js';
import { OpenAiError } from '../openai/errors.js';
import { LotError } from './lot-error.js';

/** The money of a job with max_cost_usd: before a call is sent, the most that it may cost is held. */
export interface Budget {
  /**
   * @param mayLower - whether the call may get less room for its answer if it does not fit otherwise
   * @throws LotError COST_LIMIT_EXCEEDED, or an error that ends the work on the lot for now
   */
  hold(bounds: CallBounds, mayLower: boolean): Promise<HeldCall>;
  /** Call when the call has ended and its cost is counted, or when it certainly cost nothing. */
  giveBack(usd: number): Promise<void>;
  /** Call when the call has ended and its cost is unknown: its worst cost stays held for good. */
  keep(usd: number): Promise<void>;
}

/**
 * Statuses of gateways between us and OpenAI: the request may have reached OpenAI and its answer may have been lost.
 */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([408, 502, 504, 520, 521, 522, 523, 524]);
/** Error codes after which it is certain that no connection was made. */
const NOT_SENT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** Whether it is certain that a call never reached OpenAI or a gateway. */
export function neverSent(error: OpenAiError): boolean {
  return error.kind === 'connection' && NOT_SENT.test(error.code ?? '');
}

/** Whether a try without an answer may still be billed. */
function mayBeBilled(error: OpenAiError): boolean {
  switch (error.kind) {
    case 'connection':
      return !neverSent(error);
    case 'timeout':
    case 'aborted':
    case 'broken_body':
    case 'too_large':
      return true;
    case 'server':
      return error.status !== undefined && GATEWAY_STATUSES.has(error.status);
    case 'rate_limited':
    case 'quota':
    case 'image':
    case 'context_length':
    case 'model':
    case 'auth':
    case 'rejected':
    case 'refused':
    case 'circuit_open':
      return false;
  }
}

/** One call to OpenAI under a budget, with all its tries. */
export class BudgetedCall {
  /** True while nothing is held for it: the call has ended, or its next try did not fit. */
  private ended = false;

  private constructor(
    private readonly budget: Budget,
    private readonly bounds: CallBounds,
    private held: HeldCall,
  ) {}

  /** The `max_output_tokens` to send. */
  get room(): number {
    return this.held.room;
  }

  /** @throws LotError when the call does not fit */
  static async begin(budget: Budget, bounds: CallBounds | null, mayLower: boolean): Promise<BudgetedCall> {
    // Without a price the limit cannot be kept.
    if (bounds === null) throw overLimit();
    return new BudgetedCall(budget, bounds, await budget.hold(bounds, mayLower));
  }

  /**
   * Call before another try. The cost of the failed one stays held or was counted; the new one needs its own in either
   * case.
   * @param counted - whether the failed try named its usage, and it was counted
   */
  async beforeRetry(failed: OpenAiError, counted: boolean): Promise<void> {
    if (!counted && !mayBeBilled(failed)) return;
    this.ended = true;
    await (counted ? this.budget.giveBack(this.held.usd) : this.budget.keep(this.held.usd));
    this.held = await this.budget.hold({ ...this.bounds, room: this.held.room }, false);
    this.ended = false;
  }

  /** Call when the call ended without an answer. @param counted - whether it named its usage, and it was counted */
  async failed(error: unknown, counted: boolean): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    const known = counted || (error instanceof OpenAiError && !mayBeBilled(error));
    await (known ? this.budget.giveBack(this.held.usd) : this.budget.keep(this.held.usd));
  }

  /** Call when the answer's usage is counted. An answer without usage may have cost the whole amount. */
  async answered(usage: { readonly input: number; readonly output: number }): Promise<void> {
    const known = usage.input > 0 && usage.output > 0;
    await (known ? this.budget.giveBack(this.held.usd) : this.budget.keep(this.held.usd));
  }
}

export function overLimit(): LotError {
  return new LotError('COST_LIMIT_EXCEEDED', 'The rest of max_cost_usd is less than what this lot may cost.');
}
