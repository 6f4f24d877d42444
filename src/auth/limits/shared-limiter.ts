import { RateLimiterRes, type RateLimiterPostgres } from 'rate-limiter-flexible';
import { MergedCalls } from './merged-calls.js';

/** Above this many refused subjects they are forgotten, and asked for in the database once more. */
const MOST_REFUSED = 1000;

interface Consumed {
  readonly state: RateLimiterRes;
  /** Whether all that were counted together may pass. */
  readonly all: boolean;
}

/**
 * One limit that is counted for all processes together. Requests of a subject that come while a statement counts for it are counted by
 * the next one together: fifty at once cost some statements and not fifty, which would write the same row one after the other.
 */
export class SharedLimiter {
  private readonly consumed: MergedCalls<Consumed>;
  private readonly rewarded: MergedCalls<RateLimiterRes>;
  /** Whom the library may refuse without a statement. */
  private readonly refused = new Set<string>();

  constructor(private readonly limiter: RateLimiterPostgres) {
    this.consumed = new MergedCalls((subject, requests) => this.count(subject, requests));
    this.rewarded = new MergedCalls((subject, requests) => limiter.reward(subject, requests));
  }

  /** @throws RateLimiterRes when the subject has used up its points */
  async consume(subject: string): Promise<RateLimiterRes> {
    const { points } = this.limiter;
    const { result, place, of } = await this.consumed.call(subject);
    const { state, all } = result;
    // As if it had been counted by itself, after those before it.
    const used = state.consumedPoints - of + place;
    // A refusal without a statement has counted nothing.
    const passes = all || (state.consumedPoints > 0 && used <= points);
    const remaining = passes ? Math.max(0, points - used) : 0;
    const own = new RateLimiterRes(remaining, state.msBeforeNext, used, state.isFirstInDuration);
    if (passes) return own;
    if (this.refused.size >= MOST_REFUSED) this.askAgain();
    this.refused.add(subject);
    throw own;
  }

  async get(subject: string): Promise<RateLimiterRes | null> {
    return this.limiter.get(subject);
  }

  async reward(subject: string): Promise<void> {
    const { remainingPoints } = (await this.rewarded.call(subject)).result;
    // The library would refuse it for the rest of the minute, though it has points again.
    if (remainingPoints > 0 && this.refused.has(subject)) this.askAgain();
  }

  private async count(subject: string, requests: number): Promise<Consumed> {
    try {
      return { state: await this.limiter.consume(subject, requests), all: true };
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return { state: refusal, all: false };
    }
  }

  private askAgain(): void {
    this.refused.clear();
    this.limiter.deleteInMemoryBlockedAll();
  }
}
