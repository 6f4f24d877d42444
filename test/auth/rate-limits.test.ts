import { ServerResponse, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { SignedCaller } from '../../src/auth/caller.js';
import type { LimitStore } from '../../src/auth/limits/limit-store.js';
import { RateLimits } from '../../src/auth/rate-limits.js';
import { ServiceError } from '../../src/common/service-error.js';
import { authConfig, heldClock, NOW } from './auth-support.js';

const ACME: SignedCaller = { scheme: 1, keyId: 'acme', secretFingerprint: '', signature: '' };
/** Nothing of it is used with RATE_LIMIT_STORE=memory. */
const NO_STORE = {} as LimitStore;
const BETA: SignedCaller = { ...ACME, keyId: 'beta' };

function limits(): RateLimits {
  const environment = { RATE_LIMIT_SYNC: '2', RATE_LIMIT_BATCH: '1', RATE_LIMIT_POLLING: '2' };
  return new RateLimits(authConfig(environment), heldClock(), NO_STORE);
}

function answer(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()));
}

async function refusalOf(work: Promise<void>): Promise<ServiceError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ServiceError) return error;
  throw new Error('the request was not refused');
}

describe('limits per key and minute', () => {
  it('a limit per key and minute counts down in both forms of headers', async () => {
    const rates = limits();
    for (const remaining of [1, 0]) {
      const response = answer();
      await rates.count('sync', ACME, '', response);
      expect(response.getHeader('RateLimit')).toMatch(new RegExp(`^"sync";r=${remaining};t=\\d+$`));
      expect(response.getHeader('RateLimit-Policy')).toBe('"sync";q=2;w=60');
      expect(response.getHeader('X-RateLimit-Limit')).toBe('2');
      expect(response.getHeader('X-RateLimit-Remaining')).toBe(String(remaining));
      const seconds = Number(/t=(\d+)/.exec(response.getHeader('RateLimit') as string)?.[1]);
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(60);
      expect(response.getHeader('X-RateLimit-Reset')).toBe(String(NOW + seconds));
    }
  });

  it('a request over its limit is refused with the same headers and Retry-After', async () => {
    const rates = limits();
    await rates.count('batch', ACME, '', answer());
    const error = await refusalOf(rates.count('batch', ACME, '', answer()));
    expect(error.code).toBe('RATE_LIMITED');
    expect(error.headers).toMatchObject({
      'RateLimit-Policy': '"batch";q=1;w=60',
      'X-RateLimit-Remaining': '0',
      'Retry-After': /t=(\d+)/.exec(error.headers.RateLimit ?? '')?.[1],
    });
    expect(error.headers.RateLimit).toMatch(/^"batch";r=0;t=\d+$/);
  });

  it('limits keep keys, kinds of requests and unsigned addresses apart', async () => {
    const rates = limits();
    await rates.count('batch', ACME, 'a', answer());
    await rates.count('batch', BETA, 'a', answer());
    await rates.count('sync', ACME, 'a', answer());
    for (const address of ['a', 'a', 'b', 'b']) await rates.count('polling', { scheme: 'unsigned' }, address, answer());
    expect((await refusalOf(rates.count('polling', { scheme: 'unsigned' }, 'a', answer()))).code).toBe('RATE_LIMITED');
    await rates.count('polling', ACME, 'a', answer());
  });

  it('a limit gives back what a 304 took, once, and its headers', async () => {
    const rates = limits();
    await rates.count('polling', ACME, '', answer());
    const response = answer();
    await rates.count('polling', ACME, '', response);
    await rates.refund(response);
    await rates.refund(response);
    expect(response.getHeaderNames()).toEqual([]);
    await rates.refund(answer());
    const next = answer();
    await rates.count('polling', ACME, '', next);
    expect(next.getHeader('X-RateLimit-Remaining')).toBe('0');
    await refusalOf(rates.count('polling', ACME, '', answer()));
  });
});
