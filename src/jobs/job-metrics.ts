import { Counter, Gauge } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';
import type { UnfinishedWork } from './job-counts-store.js';
import { totalOf, type LotMoves } from './lot-moves.js';
import type { JobMode, TerminalStatus } from './states.js';

let ask: () => Promise<UnfinishedWork | undefined> = () => Promise.resolve(undefined);

// Each gauge asks, and one look serves them all. They are of the whole service and the same in every process, so that the
// maximum over all processes is right. All are absent while the database does not answer.
const jobs: Gauge = new Gauge({
  name: 'jobs_unfinished',
  help: 'Unfinished jobs of the whole service by state',
  labelNames: ['status'],
  registers: [metricsRegistry],
  collect: async () => {
    const work = await ask();
    jobs.reset();
    for (const [status, count] of Object.entries(work?.jobs ?? {})) jobs.set({ status }, count);
  },
});

const paused: Gauge = new Gauge({
  name: 'jobs_paused',
  help: 'Unfinished jobs of the whole service that are paused',
  registers: [metricsRegistry],
  collect: async () => {
    const work = await ask();
    if (work === undefined) paused.remove();
    else paused.set(work.paused);
  },
});

const lots: Gauge = new Gauge({
  name: 'lots_unfinished',
  help: 'Unfinished lots of the whole service by the stage that they wait for',
  labelNames: ['stage'],
  registers: [metricsRegistry],
  collect: async () => {
    const work = await ask();
    lots.reset();
    for (const [stage, count] of Object.entries(work?.lots ?? {})) lots.set({ stage }, count);
  },
});

const oldest: Gauge = new Gauge({
  name: 'lots_oldest_unfinished_seconds',
  help: 'Age of the oldest unfinished lot of the whole service, without the time for which its job was paused; 0 without one',
  registers: [metricsRegistry],
  collect: async () => {
    const work = await ask();
    if (work === undefined) oldest.remove();
    else oldest.set(work.oldestSeconds);
  },
});

const ended = new Counter({
  name: 'jobs_ended_total',
  help: 'Jobs that this process ended, by mode and last state',
  labelNames: ['mode', 'status'],
  registers: [metricsRegistry],
});

const passed = new Counter({
  name: 'batch_lots_passed_total',
  help: 'Lots of batches that this process brought through a stage: image_check, vision_analysis or translation',
  labelNames: ['stage'],
  registers: [metricsRegistry],
});

const lotsEnded = new Counter({
  name: 'batch_lots_ended_total',
  help: 'Lots of batches that this process ended, by outcome',
  labelNames: ['outcome'],
  registers: [metricsRegistry],
});

/** @param look - it must not reject, or all metrics would fail */
export function showUnfinished(look: () => Promise<UnfinishedWork | undefined>): void {
  ask = look;
}

export function countEndedJob(mode: JobMode, status: TerminalStatus): void {
  ended.inc({ mode, status });
}

/** Counts what one committed transaction did with the lots of a batch. */
export function countMoves({
  awaitingImages = 0,
  awaitingVision = 0,
  awaitingTranslation = 0,
  ...moves
}: LotMoves): void {
  const left = { image_check: -awaitingImages, vision_analysis: -awaitingVision, translation: -awaitingTranslation };
  for (const [stage, count] of Object.entries(left)) if (count > 0) passed.inc({ stage }, count);
  const completed = moves.processed ?? 0;
  const failed = totalOf(moves.failed);
  if (completed > 0) lotsEnded.inc({ outcome: 'completed' }, completed);
  if (failed > 0) lotsEnded.inc({ outcome: 'failed' }, failed);
}
