import type { ServerResponse } from 'node:http';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Clock } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import type { Caller } from './caller.js';
import { LimitStore } from './limits/limit-store.js';
import { SharedLimiter } from './limits/shared-limiter.js';

export type RateLimitName = 'sync' | 'batch' | 'polling';

const WINDOW_SECONDS = 60;

const HEADER_NAMES = [
  'RateLimit',
  'RateLimit-Policy',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
];

/** A limit, and what counts for it. */
interface CountedLimit {
  readonly points: number;
  readonly limiter: RateLimiterMemory | SharedLimiter;
}

/**
 * Requests per key id and minute, counted after the signature is found correct, so that strangers cannot use up a client's limit: in
 * this process, or with RATE_LIMIT_STORE=postgres in the database for all processes together. While the database does not answer, this
 * process counts for itself. Unsigned readers are counted by address.
 */
@Injectable()
export class RateLimits implements OnApplicationBootstrap {
  private readonly limiters: Readonly<Record<RateLimitName, CountedLimit>>;
  private readonly shared: boolean;
  private readonly counted = new WeakMap<ServerResponse, { limiter: CountedLimit['limiter']; subject: string }>();

  constructor(
    @Inject(APP_CONFIG) config: AppConfig,
    private readonly clock: Clock,
    private readonly store: LimitStore,
  ) {
    this.shared = config.limits.rateLimitStore === 'postgres';
    const { ratePerMinute } = config.limits;
    const limiter = (name: RateLimitName): CountedLimit => {
      const points = ratePerMinute[name];
      const own = new RateLimiterMemory({ keyPrefix: name, points, duration: WINDOW_SECONDS });
      return { points, limiter: this.shared ? new SharedLimiter(store.limiter(own)) : own };
    };
    this.limiters = { sync: limiter('sync'), batch: limiter('batch'), polling: limiter('polling') };
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.shared) await this.store.begin();
  }

  /**
   * Counts the request and puts the limit's headers on its answer.
   * @param address - of the client; counts for unsigned readers
   * @throws ServiceError RATE_LIMITED (429) with the same headers and Retry-After
   */
  async count(name: RateLimitName, caller: Caller, address: string, response: ServerResponse): Promise<void> {
    const { limiter, points } = this.limiters[name];
    const subject = caller.scheme === 'unsigned' ? `address ${address}` : caller.keyId;
    try {
      const state = await limiter.consume(subject);
      this.counted.set(response, { limiter, subject });
      for (const [header, value] of Object.entries(this.headers(name, state))) response.setHeader(header, value);
    } catch (state) {
      if (!(state instanceof RateLimiterRes)) throw state;
      throw new ServiceError(
        'RATE_LIMITED',
        `At most ${points} ${name} requests a minute; wait for the seconds in Retry-After.`,
        {
          headers: { ...this.headers(name, state), 'Retry-After': String(secondsUntil(state)) },
        },
      );
    }
  }

  /** Whether {@link count} would count one more request of a key id; nothing is counted. */
  async allows(name: RateLimitName, keyId: string): Promise<boolean> {
    const state = await this.limiters[name].limiter.get(keyId);
    return state === null || state.remainingPoints > 0;
  }

  /** Takes the count of a request back, as for a 304: it is free, and its answer has no rate limit headers. */
  async refund(response: ServerResponse): Promise<void> {
    const entry = this.counted.get(response);
    if (entry === undefined) return;
    this.counted.delete(response);
    if (!response.headersSent) for (const name of HEADER_NAMES) response.removeHeader(name);
    await entry.limiter.reward(entry.subject);
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

function secondsUntil(state: RateLimiterRes): number {
  return Math.max(1, Math.ceil(state.msBeforeNext / 1000));
}
