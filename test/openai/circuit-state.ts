import type { CircuitBreaker, Permit } from '../../src/openai/circuit-breaker.js';
import { OpenAiError } from '../../src/openai/errors.js';

/** Milliseconds until the breaker lets a call through again; 0 when it lets one through now. Changes nothing. */
export function restOf(breaker: CircuitBreaker): number {
  const permit = tryAcquire(breaker);
  if (typeof permit === 'number') return permit;
  // A call that was given up has no result, so the next one is let through as this one was.
  permit.failed('aborted');
  return 0;
}

/** Closed: two calls at a time are let through; half open: one alone; open: none. Changes nothing. */
export function stateOf(breaker: CircuitBreaker): 'closed' | 'half_open' | 'open' {
  const permit = tryAcquire(breaker);
  if (typeof permit === 'number') return 'open';
  const second = tryAcquire(breaker);
  permit.failed('aborted');
  return typeof second === 'number' ? 'half_open' : 'closed';
}

function tryAcquire(breaker: CircuitBreaker): Permit | number {
  try {
    return breaker.acquire();
  } catch (error) {
    if (error instanceof OpenAiError && error.kind === 'circuit_open') return error.retryAfterMs ?? 0;
    throw error;
  }
}
