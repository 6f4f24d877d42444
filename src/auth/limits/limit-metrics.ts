import { Gauge } from 'prom-client';
import { metricsRegistry } from '../../common/metrics-registry.js';

let isUp: (() => boolean) | undefined;

const up: Gauge = new Gauge({
  name: 'rate_limit_store_up',
  help: '1 while this process counts limits in the database, 0 while it counts for itself because that does not answer; absent with RATE_LIMIT_STORE=memory',
  registers: [metricsRegistry],
  collect: () => {
    if (isUp === undefined) up.remove();
    else up.set(isUp() ? 1 : 0);
  },
});

/** @param look - whether limits are counted in the database now */
export function showLimitStore(look: () => boolean): void {
  isUp = look;
}
