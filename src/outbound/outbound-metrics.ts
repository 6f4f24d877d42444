import { Counter } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';
import type { RefusalReason } from './address-rules.js';
import type { OutboundErrorKind } from './outbound-error.js';

/** The purpose of a request. */
export type OutboundPurpose = 'photo' | 'webhook' | 'sandbox';

const requests = new Counter({
  name: 'outbound_requests_total',
  help: 'Requests to addresses that clients named, by purpose and outcome (2xx to 5xx, or the kind of error)',
  labelNames: ['purpose', 'outcome'],
  registers: [metricsRegistry],
});

const refused = new Counter({
  name: 'outbound_refused_total',
  help: 'Requests that the guard stopped, by the rule that they broke',
  labelNames: ['reason'],
  registers: [metricsRegistry],
});

export function countAnswer(purpose: OutboundPurpose, status: number): void {
  requests.inc({ purpose, outcome: `${Math.floor(status / 100)}xx` });
}

export function countFailure(
  purpose: OutboundPurpose,
  kind: OutboundErrorKind,
  reason: RefusalReason | undefined,
): void {
  requests.inc({ purpose, outcome: kind });
  if (reason !== undefined) refused.inc({ reason });
}
