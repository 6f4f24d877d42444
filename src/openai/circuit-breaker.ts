import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { OpenAiError, type OpenAiErrorKind } from './errors.js';
import type { OpenAiOperation } from './openai-metrics.js';

/** The number of failures in a row, without any answer in between, that open the circuit. */
const FAILURES_TO_OPEN = 10;
/**
 * The failures must span at least this time, because a restart of OpenAI's edge breaks many connections at once, which
 * is only one event.
 */
const MIN_SPAN_MS = 1_000;
/** A failure this much later than the last starts a new row. */
const MAX_PAUSE_MS = 60_000;
/** How long an open circuit lets no call through, and how long a probe may take before the next one is let through. */
const REST_MS = 30_000;

/** The right to send one request. Exactly one of its two methods is called when the request has ended. */
export interface Permit {
  succeeded(): void;
  failed(kind: OpenAiErrorKind): void;
}

/**
 * Stops calls to an OpenAI that is down, so that synchronous requests are refused at once instead of after their
 * retries. Each process has its own, so each replica finds out by itself. Limits and pauses that replicas share are
 * kept in the database by batch/.
 *
 * Counts 5xx, lost connections and broken bodies. A timeout does not count (the caller's deadline may have been short),
 * and any other answer, even a 429 or a refused photo, shows that OpenAI works.
 */
export class CircuitBreaker {
  private readonly logger = new Logger(CircuitBreaker.name);
  private failures = 0;
  private firstFailureAt = 0;
  private lastFailureAt = 0;
  /** Undefined while closed. */
  private restUntil: number | undefined;
  private probeUntil = 0;
  private lastAnswerAt = Number.NEGATIVE_INFINITY;

  /** @param operation - as logs name it */
  constructor(
    private readonly clock: Clock,
    private readonly operation: string,
  ) {}

  /** Whether any call of this kind was answered, be it with a refusal, at this time or later; milliseconds since 1970. */
  answeredSince(at: number): boolean {
    return this.lastAnswerAt >= at;
  }

  /** @throws OpenAiError of kind `circuit_open` while the circuit is open, or while its one probe is running */
  acquire(): Permit {
    const now = this.clock.now();
    if (this.restUntil !== undefined) {
      const waitMs = Math.max(this.restUntil, this.probeUntil) - now;
      if (waitMs > 0) {
        throw new OpenAiError({
          kind: 'circuit_open',
          retryable: true,
          retryAfterMs: waitMs,
          outcomeUnknown: false,
        });
      }
      this.probeUntil = now + REST_MS;
    }
    return {
      succeeded: () => this.close(),
      failed: (kind) => this.judge(kind),
    };
  }

  private judge(kind: OpenAiErrorKind): void {
    switch (kind) {
      case 'server':
      case 'connection':
      case 'broken_body':
        this.countFailure();
        break;
      case 'timeout':
      case 'aborted':
      case 'circuit_open':
        // No result either way. If this was the probe, the next call becomes the probe.
        this.probeUntil = 0;
        break;
      case 'rate_limited':
      case 'quota':
      case 'image':
      case 'context_length':
      case 'model':
      case 'too_large':
      case 'refused':
      case 'rejected':
      case 'auth':
        this.close();
    }
  }

  private countFailure(): void {
    const now = this.clock.now();
    if (this.restUntil !== undefined) {
      // A failed probe starts the next pause. Calls still running from before must not extend the present pause.
      if (this.restUntil <= now) this.open(now);
      return;
    }
    if (this.failures === 0 || now - this.lastFailureAt > MAX_PAUSE_MS) {
      this.failures = 0;
      this.firstFailureAt = now;
    }
    this.failures += 1;
    this.lastFailureAt = now;
    if (this.failures >= FAILURES_TO_OPEN && now - this.firstFailureAt >= MIN_SPAN_MS) this.open(now);
  }

  private open(now: number): void {
    this.restUntil = now + REST_MS;
    this.probeUntil = 0;
    this.logger.error('OpenAI is failing: calls are paused', {
      operation: this.operation,
      seconds: REST_MS / 1000,
      failures: this.failures,
    });
  }

  private close(): void {
    if (this.restUntil !== undefined) this.logger.log('OpenAI answers again', { operation: this.operation });
    this.restUntil = undefined;
    this.probeUntil = 0;
    this.failures = 0;
    this.lastAnswerAt = this.clock.now();
  }
}

/**
 * One breaker for each kind of call, because one kind may fail while the others work. If a key may not delete files, or
 * a gateway cannot list, this must not stop uploads, batches or lots that go through the Responses API.
 */
@Injectable()
export class OpenAiCircuits {
  private readonly breakers = new Map<OpenAiOperation, CircuitBreaker>();

  constructor(private readonly clock: Clock) {}

  of(operation: OpenAiOperation): CircuitBreaker {
    let breaker = this.breakers.get(operation);
    if (breaker === undefined) {
      breaker = new CircuitBreaker(this.clock, operation);
      this.breakers.set(operation, breaker);
    }
    return breaker;
  }
}
