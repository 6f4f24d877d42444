import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { CircuitBreaker, OpenAiCircuits } from '../../src/openai/circuit-breaker.js';
import { OpenAiError, type OpenAiErrorKind } from '../../src/openai/errors.js';
import { FakeClock } from '../support/fake-clock.js';
import { restOf, stateOf } from './circuit-state.js';

Logger.overrideLogger(false);

let clock: FakeClock;
let breaker: CircuitBreaker;

beforeEach(() => {
  clock = new FakeClock();
  breaker = new CircuitBreaker(clock, 'responses');
});

function fail(count: number, kind: OpenAiErrorKind, apartMs: number): void {
  for (let i = 0; i < count; i += 1) {
    breaker.acquire().failed(kind);
    clock.advance(apartMs);
  }
}

function refusal(): OpenAiError {
  try {
    breaker.acquire();
  } catch (error) {
    if (error instanceof OpenAiError) return error;
  }
  throw new Error('was let through');
}

function open(): void {
  fail(10, 'server', 200);
  expect(stateOf(breaker)).toBe('open');
}

describe('CircuitBreaker', () => {
  it.each(['server', 'connection', 'broken_body'] as const)(
    'CircuitBreaker opens after ten failures in a row (%s)',
    (kind) => {
      fail(9, kind, 200);
      expect([stateOf(breaker), restOf(breaker)]).toEqual(['closed', 0]);
      fail(1, kind, 0);
      expect([stateOf(breaker), restOf(breaker)]).toEqual(['open', 30_000]);
      expect(refusal()).toMatchObject({ kind: 'circuit_open', retryAfterMs: 30_000, notCreated: true });
    },
  );

  it('CircuitBreaker takes a thousand connections cut at once for one event', () => {
    fail(1000, 'connection', 0);
    expect(stateOf(breaker)).toBe('closed');
  });

  it('CircuitBreaker does not add up failures with long pauses between them', () => {
    fail(30, 'server', 61_000);
    expect(stateOf(breaker)).toBe('closed');
  });

  it.each(['image', 'rejected', 'rate_limited', 'quota', 'context_length', 'model', 'auth'] as const)(
    'CircuitBreaker takes an answer for a proof of life (%s)',
    (kind) => {
      fail(9, 'server', 200);
      fail(1, kind, 200);
      fail(9, 'server', 200);
      expect(stateOf(breaker)).toBe('closed');
    },
  );

  it('CircuitBreaker learns nothing from deadlines and hang-ups', () => {
    fail(50, 'timeout', 200);
    fail(50, 'aborted', 200);
    expect(stateOf(breaker)).toBe('closed');
    fail(5, 'server', 200);
    fail(5, 'timeout', 200);
    fail(5, 'server', 200);
    expect(stateOf(breaker)).toBe('open');
  });

  it('CircuitBreaker lets one probe through after 30 s, and all again once it succeeded', () => {
    open();
    clock.advance(30_000);
    expect([stateOf(breaker), restOf(breaker)]).toEqual(['half_open', 0]);
    const probe = breaker.acquire();
    expect(refusal().retryAfterMs).toBe(30_000);
    probe.succeeded();
    expect(stateOf(breaker)).toBe('closed');
    breaker.acquire();
    breaker.acquire();
  });

  it('CircuitBreaker rests again when the probe fails', () => {
    open();
    clock.advance(30_000);
    breaker.acquire().failed('connection');
    expect([stateOf(breaker), restOf(breaker)]).toEqual(['open', 30_000]);
  });

  it('CircuitBreaker lets another probe through when the first ended without a verdict or hangs', () => {
    open();
    clock.advance(30_000);
    breaker.acquire().failed('aborted');
    breaker.acquire();
    clock.advance(30_000);
    breaker.acquire();
  });

  it('CircuitBreaker does not lengthen the rest for calls that were still on their way', () => {
    const late = breaker.acquire();
    open();
    clock.advance(20_000);
    const restMs = restOf(breaker);
    late.failed('server');
    expect(restOf(breaker)).toBe(restMs);
  });
});

describe('OpenAiCircuits', () => {
  it('OpenAiCircuits rests one kind of call and no other', () => {
    const circuits = new OpenAiCircuits(clock);
    breaker = circuits.of('delete_file');
    open();
    expect(circuits.of('delete_file')).toBe(breaker);
    const others = [
      'create_response',
      'upload_file',
      'list_files',
      'file_content',
      'create_batch',
      'retrieve_batch',
    ] as const;
    for (const other of others) circuits.of(other).acquire().succeeded();
    expect(refusal().kind).toBe('circuit_open');
  });

  it.each(['too_large', 'refused'] as const)('OpenAiCircuits takes %s for an answer', (kind) => {
    fail(30, kind, 200);
    expect(stateOf(breaker)).toBe('closed');
  });
});
