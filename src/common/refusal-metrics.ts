import { Counter } from 'prom-client';
import { metricsRegistry } from './metrics-registry.js';
import type { ErrorCode } from './service-error.js';

const refused = new Counter({
  name: 'requests_refused_total',
  help: 'Requests that were answered with an error, by its code; also those whose upload was refused before it was read',
  labelNames: ['code'],
  registers: [metricsRegistry],
});

export function countRefusal(code: ErrorCode): void {
  refused.inc({ code });
}
