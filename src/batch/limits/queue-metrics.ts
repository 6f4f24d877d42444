import { Counter, Gauge } from 'prom-client';
import { metricsRegistry } from '../../common/metrics-registry.js';

/** `refused`: OpenAI said that its queue of enqueued tokens is full. The others: our own count kept a batch back. */
export type QueueLimit = 'refused' | 'enqueued_tokens' | 'active_batches';

/** What queued batches wait for. `pause`: a quota, a model or a refusal; the model's row says which. */
type QueueWait = 'tokens' | 'place' | 'pause';

const reached = new Counter({
  name: 'openai_queue_limit_reached_total',
  help: "Batches that met a limit of OpenAI's queue: refused by OpenAI, or kept back by the enqueued tokens or active batches counted here",
  labelNames: ['model', 'limit'],
  registers: [metricsRegistry],
});

const waiting = new Gauge({
  name: 'openai_batches_waiting',
  help: 'Batches of the whole service that are ready and wait for OpenAI, by what they wait for: tokens, place or pause',
  labelNames: ['model', 'waits_for'],
  registers: [metricsRegistry],
});

const longest = new Gauge({
  name: 'openai_batches_waiting_oldest_seconds',
  help: 'Age of the oldest of the batches that wait for OpenAI',
  labelNames: ['model', 'waits_for'],
  registers: [metricsRegistry],
});

export function countQueueLimit(model: string, limit: QueueLimit): void {
  reached.inc({ model, limit });
}

export interface WaitingBatches {
  readonly model: string;
  readonly waitsFor: QueueWait;
  readonly batches: number;
  readonly oldestSeconds: number;
}

/**
 * Resets the gauges first: a model without waiting batches must vanish, or its last value would keep the alert firing.
 */
export function showWaiting(rows: readonly WaitingBatches[]): void {
  waiting.reset();
  longest.reset();
  for (const { model, waitsFor, batches, oldestSeconds } of rows) {
    waiting.set({ model, waits_for: waitsFor }, batches);
    longest.set({ model, waits_for: waitsFor }, oldestSeconds);
  }
}
