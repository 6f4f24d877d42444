import { Gauge } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';

/** The processes that do the background work. */
export interface WorkerBeats {
  readonly alive: number;
  /** Seconds since the latest beat of any of them; null when there is none. */
  readonly latestSeconds: number | null;
}

let ask: () => Promise<WorkerBeats | undefined> = () => Promise.resolve(undefined);

const alive: Gauge = new Gauge({
  name: 'workers_alive',
  help: 'Worker processes of the whole service with a beat in the last minute; absent while the database does not answer',
  registers: [metricsRegistry],
  collect: async () => {
    const beats = await ask();
    if (beats === undefined) alive.remove();
    else alive.set(beats.alive);
  },
});

const latest: Gauge = new Gauge({
  name: 'workers_latest_beat_seconds',
  help: 'Time since the latest beat of any worker; absent when none is known',
  registers: [metricsRegistry],
  collect: async () => {
    const seconds = (await ask())?.latestSeconds ?? null;
    if (seconds === null) latest.remove();
    else latest.set(seconds);
  },
});

/** @param look - it must not reject, or all metrics would fail */
export function showWorkers(look: () => Promise<WorkerBeats | undefined>): void {
  ask = look;
}
