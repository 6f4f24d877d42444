import { Counter } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';
import type { UsageRow } from '../jobs/usage-sum.js';

const cost = new Counter({
  name: 'openai_cost_usd_total',
  help: 'What answers about lots have cost, by model and mode; 0 for a model without a known price. Glossaries are counted apart',
  labelNames: ['model', 'mode'],
  registers: [metricsRegistry],
});

/** @param usage - of one answered call; its model is one of the settings */
export function countCost({ model, costUsd }: UsageRow, mode: 'direct' | 'batch'): void {
  cost.inc({ model, mode }, costUsd);
}
