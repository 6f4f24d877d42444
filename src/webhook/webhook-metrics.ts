import { Counter, Gauge, Histogram } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';
import type { SendResult, Verdict } from './attempt-outcome.js';

const attempts = new Counter({
  name: 'webhook_attempts_total',
  help: 'Webhook requests by outcome: delivered, retried, gone (410) or exhausted (no attempt is left)',
  labelNames: ['outcome'],
  registers: [metricsRegistry],
});

// From the start all outcomes are 0: Prometheus would not see a counter that begins at 1 rise.
for (const outcome of ['delivered', 'retried', 'gone', 'exhausted']) attempts.inc({ outcome }, 0);

const unknown = new Counter({
  name: 'webhook_unknown_outcomes_total',
  help: 'Attempts of unknown outcome, because their process ended before it was written',
  registers: [metricsRegistry],
});

const duration = new Histogram({
  name: 'webhook_send_seconds',
  help: 'Time from sending a webhook to its receiver’s answer',
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  registers: [metricsRegistry],
});

const changed = new Counter({
  name: 'webhook_body_changes_total',
  help: 'Attempts whose body differed from the attempt before (a replaced secret, a new release)',
  registers: [metricsRegistry],
});

const inFlight = new Gauge({
  name: 'webhook_requests_in_flight',
  help: 'Webhook requests of this process that wait for an answer',
  registers: [metricsRegistry],
});

let askOldestPending: () => Promise<number | undefined> = () => Promise.resolve(undefined);

const oldestPending: Gauge = new Gauge({
  name: 'webhook_oldest_pending_seconds',
  help: 'For how long the oldest waiting webhook has been due; absent while the database does not answer',
  registers: [metricsRegistry],
  // Looked up when the metrics are read: an api has no crons, and must show this when no worker is there.
  collect: async () => {
    const seconds = await askOldestPending();
    if (seconds === undefined) oldestPending.remove();
    else oldestPending.set(seconds);
  },
});

export function countAttempt(verdict: Verdict, result: SendResult): void {
  const retried = verdict.nextAttemptAt !== null;
  const outcome =
    verdict.outcome === 'delivered' ? 'delivered' : verdict.gone ? 'gone' : retried ? 'retried' : 'exhausted';
  attempts.inc({ outcome });
  duration.observe(result.durationMs / 1000);
}

export function countUnknownOutcomes(count: number): void {
  if (count > 0) unknown.inc(count);
}

export function countBodyChange(): void {
  changed.inc();
}

export function showInFlight(count: number): void {
  inFlight.set(count);
}

/** @param ask - gives seconds; it must not reject, or all metrics would fail */
export function showOldestPending(ask: () => Promise<number | undefined>): void {
  askOldestPending = ask;
}
