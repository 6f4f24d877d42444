import { Counter, Gauge } from 'prom-client';
import { metricsRegistry } from '../../common/metrics-registry.js';

/** What is read: lots with their results, or a list of jobs. */
export type ReplicaRead = 'results' | 'list';

/** Where it was read: at the replica, or at the primary for this reason. */
export type ReplicaOutcome =
  | 'replica'
  /** The replica has not replayed yet what the reader must see. */
  | 'behind'
  /** Recovery cancelled the query there, or it took too long. */
  | 'cancelled'
  /** It did not answer, or refused. */
  | 'away'
  /** It was away, and is not asked again yet. */
  | 'resting'
  /** All of this process's connections to it are taken. */
  | 'busy';

/** What the metrics ask of the replica. */
export interface ShownReplica {
  isUp(): boolean;
  /** Undefined where it is not known. */
  bytesBehind(): Promise<number | undefined>;
}

let shown: ShownReplica | undefined;

const reads = new Counter({
  name: 'database_replica_reads_total',
  help: 'Reads that the read replica may answer, by what is read and where it was read: at the replica, or at the primary for the reason that is named',
  labelNames: ['read', 'outcome'],
  registers: [metricsRegistry],
});

const up: Gauge = new Gauge({
  name: 'database_replica_up',
  help: '1 while this process reads at the read replica, 0 while that is away; absent without DATABASE_READ_URL',
  registers: [metricsRegistry],
  collect: () => {
    if (shown === undefined) up.remove();
    else up.set(shown.isUp() ? 1 : 0);
  },
});

const behind: Gauge = new Gauge({
  name: 'database_replica_behind_bytes',
  help: 'Bytes of write-ahead log that the primary has written and the read replica has not replayed; absent while it is away',
  registers: [metricsRegistry],
  collect: async () => {
    const bytes = await shown?.bytesBehind();
    if (bytes === undefined) behind.remove();
    else behind.set(bytes);
  },
});

export function countReplicaRead(read: ReplicaRead, outcome: ReplicaOutcome): void {
  reads.inc({ read, outcome });
}

export function showReplica(replica: ShownReplica): void {
  shown = replica;
}
