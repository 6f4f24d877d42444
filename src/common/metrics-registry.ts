import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * The only registry of the process: each room has a `*-metrics.ts` that registers its metrics here, and health/ serves
 * them all. Labels never contain ids, URLs or client text.
 */
export const metricsRegistry = new Registry();

collectDefaultMetrics({ register: metricsRegistry });
