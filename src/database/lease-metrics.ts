import { Counter } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';

const lost = new Counter({
  name: 'leases_lost_total',
  help: 'Work that this process gave up because its lease was lost, by what was leased',
  labelNames: ['work'],
  registers: [metricsRegistry],
});

export function countLostLease(work: 'shard' | 'synchronous_job' | 'glossary'): void {
  lost.inc({ work });
}
