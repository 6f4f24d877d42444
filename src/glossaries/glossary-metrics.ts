import { Counter } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';

const tries = new Counter({
  name: 'glossary_tries_total',
  help: 'Tries to make the glossary of a language, by outcome',
  labelNames: ['outcome'],
  registers: [metricsRegistry],
});

const cost = new Counter({
  name: 'glossary_cost_usd_total',
  help: 'What the making of glossaries has cost, by model; it is in no job’s cost_usd',
  labelNames: ['model'],
  registers: [metricsRegistry],
});

export type TryOutcome =
  'made' | 'not_now' | 'unusable' | 'refused' | 'incomplete' | 'failed' | 'invalid' | 'no_answer';

export function countTry(outcome: TryOutcome): void {
  tries.inc({ outcome });
}

export function countCost(model: string, usd: number): void {
  cost.inc({ model }, usd);
}
