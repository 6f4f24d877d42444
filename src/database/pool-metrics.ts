import type { Pool } from 'pg';
import { Gauge } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';

let pool: Pick<Pool, 'totalCount' | 'idleCount' | 'waitingCount' | 'options'> | undefined;

const connections: Gauge = new Gauge({
  name: 'database_pool_connections',
  help: 'Connections of this process to the database, by state: idle or busy',
  labelNames: ['state'],
  registers: [metricsRegistry],
  collect: () => {
    if (pool === undefined) return;
    connections.set({ state: 'idle' }, pool.idleCount);
    connections.set({ state: 'busy' }, pool.totalCount - pool.idleCount);
  },
});

const limit: Gauge = new Gauge({
  name: 'database_pool_connections_max',
  help: 'The most connections that this process opens to the database',
  registers: [metricsRegistry],
  collect: () => {
    if (pool !== undefined) limit.set(pool.options.max);
  },
});

const waiting: Gauge = new Gauge({
  name: 'database_pool_waiting',
  help: 'Statements of this process that wait for a connection to the database',
  registers: [metricsRegistry],
  collect: () => {
    if (pool !== undefined) waiting.set(pool.waitingCount);
  },
});

export function showPool(shown: Pool): void {
  pool = shown;
}
