import type { ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Clock } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import type { Caller } from './caller.js';

export type RateLimitName = 'sync' | 'batch' | 'polling';

const WINDOW_SECONDS = 60;

const HEADER_NAMES = [
  'RateLimit',
  'RateLimit-Policy',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
];

/**
 * Requests per key id and minute, counted in this process after the signature is found correct, so that strangers
 * cannot use up a client's limit. Unsigned readers are counted by address.
 */
@Injectable()
export class RateLimits {
  private readonly limiters: Readonly<Record<RateLimitName, RateLimiterMemory>>;
  private readonly counted = new WeakMap<ServerResponse, { limiter: RateLimiterMemory; subject: string }>();

  constructor(
    @Inject(APP_CONFIG) config: AppConfig,
    private readonly clock: Clock,
  ) {
    const { sync, batch, polling } = config.limits.ratePerMinute;
    this.limiters = {
      sync: limiter('sync', sync),
      batch: limiter('batch', batch),
      polling: limiter('polling', polling),
    };
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
    const state = await this.limiters[name].get(keyId);
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

function limiter(name: RateLimitName, points: number): RateLimiterMemory {
  return new RateLimiterMemory({ keyPrefix: name, points, duration: WINDOW_SECONDS });
}

function secondsUntil(state: RateLimiterRes): number {
  return Math.max(1, Math.ceil(state.msBeforeNext / 1000));
}
