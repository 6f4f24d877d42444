import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * The only registry of the process. Each room registers its own metrics here and metrics/ serves them. Labels never
 * hold ids, URLs or client text.
 */
export const metricsRegistry = new Registry();

collectDefaultMetrics({ register: metricsRegistry });
