import { Counter } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';

const checks = new Counter({
  name: 'photo_checks_total',
  help: 'Photos checked, by outcome: there by head or get, known from a moment ago, or why not',
  labelNames: ['outcome'],
  registers: [metricsRegistry],
});

/** @param outcome - `head` or `get` for the request that found the photo, `known`, else the failure's name */
export function countPhoto(outcome: string): void {
  checks.inc({ outcome });
}

const carried = new Counter({
  name: 'photos_carried_total',
  help: 'Photos fetched to be sent to OpenAI by ourselves: carried, or why not',
  labelNames: ['outcome'],
  registers: [metricsRegistry],
});

export function countCarried(outcome: string): void {
  carried.inc({ outcome });
}
