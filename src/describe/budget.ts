import type { CallBounds, HeldCall } from '../assessment/worst-case.js';
import { OpenAiError } from '../openai/errors.js';
import { LotError } from './lot-error.js';

/** The money of a job with max_cost_usd: each call holds the most that it may cost before it is sent. */
export interface Budget {
  /**
   * @param mayLower - whether the call may be sent with less room for its answer, where it does not fit otherwise
   * @throws LotError COST_LIMIT_EXCEEDED, or whatever ends the work on the lot for now
   */
  hold(bounds: CallBounds, mayLower: boolean): Promise<HeldCall>;
  /** The call has ended, and what it cost is counted, or it surely cost nothing. */
  giveBack(usd: number): Promise<void>;
  /** The call has ended, and nobody knows what it cost: it counts at its worst for good. */
  keep(usd: number): Promise<void>;
}

/** Statuses of what stands between us and OpenAI: the request may have been passed on, and its answer was lost. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([408, 502, 504, 520, 521, 522, 523, 524]);
/** The connection was never made. */
const NOT_SENT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** Whether a call surely never reached OpenAI, or whatever stands before it. */
export function neverSent(error: OpenAiError): boolean {
  return error.kind === 'connection' && NOT_SENT.test(error.code ?? '');
}

/** Whether a try that brought no answer may be on OpenAI's bill all the same. */
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

/** One call to OpenAI under a budget, its tries included. */
export class BudgetedCall {
  /** True while nothing is held for it: it is over, or the next try did not fit (yet). */
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

  /** @throws LotError where the call does not fit */
  static async begin(budget: Budget, bounds: CallBounds | null, mayLower: boolean): Promise<BudgetedCall> {
    // Without a price no limit can be kept.
    if (bounds === null) throw overLimit();
    return new BudgetedCall(budget, bounds, await budget.hold(bounds, mayLower));
  }

  /**
   * Before another try. What the failed one may have cost stays held, or was counted; either way this one needs its own.
   * @param counted - whether its usage was told and counted
   */
  async beforeRetry(failed: OpenAiError, counted: boolean): Promise<void> {
    if (!counted && !mayBeBilled(failed)) return;
    this.ended = true;
    await (counted ? this.budget.giveBack(this.held.usd) : this.budget.keep(this.held.usd));
    this.held = await this.budget.hold({ ...this.bounds, room: this.held.room }, false);
    this.ended = false;
  }

  /** The call ended without an answer. @param counted - whether its usage was told and counted */
  async failed(error: unknown, counted: boolean): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    const known = counted || (error instanceof OpenAiError && !mayBeBilled(error));
    await (known ? this.budget.giveBack(this.held.usd) : this.budget.keep(this.held.usd));
  }

  /** The answer's usage is counted. An answer that tells none may have cost everything. */
  async answered(usage: { readonly input: number; readonly output: number }): Promise<void> {
    const known = usage.input > 0 && usage.output > 0;
    await (known ? this.budget.giveBack(this.held.usd) : this.budget.keep(this.held.usd));
  }
}

export function overLimit(): LotError {
  return new LotError('COST_LIMIT_EXCEEDED', 'What is left of max_cost_usd does not hold what this lot may cost.');
}
