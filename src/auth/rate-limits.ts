import type { ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes, type RateLimiterPostgres } from 'rate-limiter-flexible';
import { Clock } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import type { Caller } from './caller.js';
import { LimitStore } from './limits/limit-store.js';

export type RateLimitName = 'sync' | 'batch' | 'polling';

const WINDOW_SECONDS = 60;

const HEADER_NAMES = [
  'RateLimit',
  'RateLimit-Policy',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
];

/** Above this many refused subjects they are forgotten, and asked for in the database once more. */
const MOST_REFUSED = 1000;

/**
 * Requests per key id and minute, counted after the signature is found correct, so that strangers cannot use up a client's limit: in
 * this process, or with RATE_LIMIT_STORE=postgres in the database for all processes together. While the database does not answer, this
 * process counts for itself. Unsigned readers are counted by address.
 */
@Injectable()
export class RateLimits {
  private readonly limiters: Readonly<Record<RateLimitName, Limiter>>;
  private readonly counted = new WeakMap<ServerResponse, { limiter: Limiter; subject: string }>();

  constructor(
    @Inject(APP_CONFIG) config: AppConfig,
    private readonly clock: Clock,
    store: LimitStore,
  ) {
    const { ratePerMinute, rateLimitStore } = config.limits;
    const limiter = (name: RateLimitName): Limiter => {
      const own = new RateLimiterMemory({ keyPrefix: name, points: ratePerMinute[name], duration: WINDOW_SECONDS });
      return new Limiter(own, rateLimitStore === 'postgres' ? store.limiter(own) : undefined);
    };
    this.limiters = { sync: limiter('sync'), batch: limiter('batch'), polling: limiter('polling') };
  }

  /**
   * Counts the request and puts the limit's headers on its answer.
   * @param address - of the client; counts for unsigned readers
   * @throws ServiceError RATE_LIMITED (429) with the same headers and Retry-After
   */
  async count(name: RateLimitName, caller: Caller, address: string, response: ServerResponse): Promise<void> {
    const limiter = this.limiters[name];
    const subject = caller.scheme === 'unsigned' ? `address ${address}` : caller.keyId;
    try {
      const state = await limiter.consume(subject);
      this.counted.set(response, { limiter, subject });
      for (const [header, value] of Object.entries(this.headers(name, state))) response.setHeader(header, value);
    } catch (state) {
      if (!(state instanceof RateLimiterRes)) throw state;
      throw new ServiceError(
        'RATE_LIMITED',
        `At most ${limiter.points} ${name} requests a minute; wait for the seconds in Retry-After.`,
        {
          headers: { ...this.headers(name, state), 'Retry-After': String(secondsUntil(state)) },
        },
      );
    }
  }

  /** Whether {@link count} would count one more request of a key id; nothing is counted. */
  async allows(name: RateLimitName, keyId: string): Promise<boolean> {
    return (await this.limiters[name].remaining(keyId)) > 0;
  }

  /** Takes the count of a request back, as for a 304: it is free, and its answer has no rate limit headers. */
  async refund(response: ServerResponse): Promise<void> {
    const entry = this.counted.get(response);
    if (entry === undefined) return;
    this.counted.delete(response);
    if (!response.headersSent) for (const name of HEADER_NAMES) response.removeHeader(name);
    await entry.limiter.giveBack(entry.subject);
  }

  private headers(name: RateLimitName, state: RateLimiterRes): Record<string, string> {
    const seconds = secondsUntil(state);
    const { points } = this.limiters[name];
    return {
      RateLimit: `"${name}";r=${state.remainingPoints};t=${seconds}`,
      'RateLimit-Policy': `"${name}";q=${points};w=${WINDOW_SECONDS}`,
      'X-RateLimit-Limit': String(points),
      'X-RateLimit-Remaining': String(state.remainingPoints),
      'X-RateLimit-Reset': String(Math.floor(this.clock.now() / 1000) + seconds),
    };
  }
}

/** One limit, counted in one place. */
class Limiter {
  private readonly inUse: RateLimiterMemory | RateLimiterPostgres;
  /** Whom the shared limiter may refuse without asking the database. */
  private readonly refused = new Set<string>();

  constructor(
    own: RateLimiterMemory,
    private readonly shared: RateLimiterPostgres | undefined,
  ) {
    this.inUse = shared ?? own;
  }

  get points(): number {
    return this.inUse.points;
  }

  /** @throws RateLimiterRes when the subject has used up its points */
  async consume(subject: string): Promise<RateLimiterRes> {
    try {
      return await this.inUse.consume(subject);
    } catch (refusal) {
      if (this.refused.size >= MOST_REFUSED) this.askAgain();
      this.refused.add(subject);
      throw refusal;
    }
  }

  async remaining(subject: string): Promise<number> {
    const state = await this.inUse.get(subject);
    return state?.remainingPoints ?? this.points;
  }

  async giveBack(subject: string): Promise<void> {
    const { remainingPoints } = await this.inUse.reward(subject);
    // The library would refuse it for the rest of the minute, though it has points again.
    if (remainingPoints > 0 && this.refused.has(subject)) this.askAgain();
  }

  private askAgain(): void {
    this.refused.clear();
    this.shared?.deleteInMemoryBlockedAll();
  }
}

function secondsUntil(state: RateLimiterRes): number {
  return Math.max(1, Math.ceil(state.msBeforeNext / 1000));
}
