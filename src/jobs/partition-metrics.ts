import { Gauge } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';

/** How the weekly partitions stand. */
export interface PartitionState {
  /** How many weeks after this one have a partition in every table. */
  readonly weeksAhead: number;
  /** How many tables have rows in their default partition. */
  readonly outside: number;
  /** For how long the oldest week could have been dropped by its age; 0 when none could. */
  readonly dueSeconds: number;
}

let ask: () => Promise<PartitionState | undefined> = () => Promise.resolve(undefined);

// Of the whole service and the same in every process. Absent where the tables have no partitions.
function gauge(name: string, help: string, of: (state: PartitionState) => number): void {
  const shown: Gauge = new Gauge({
    name,
    help: `${help}; absent without weekly partitions`,
    registers: [metricsRegistry],
    collect: async () => {
      const state = await ask();
      if (state === undefined) shown.remove();
      else shown.set(of(state));
    },
  });
}

gauge('partitions_weeks_ahead', 'Weeks after this one that have a partition', ({ weeksAhead }) => weeksAhead);
gauge(
  'partitions_default_tables',
  'Tables of lots that have rows in their default partition, because these are of a week that has none',
  ({ outside }) => outside,
);
gauge(
  'partitions_oldest_due_seconds',
  'For how long the oldest week has been old enough to be dropped; 0 when none is',
  ({ dueSeconds }) => dueSeconds,
);

/** @param look - it must not reject, or all metrics would fail */
export function showPartitions(look: () => Promise<PartitionState | undefined>): void {
  ask = look;
}
