import type { ModelRow, ShardRow, WorkerRow } from './documents.js';
import { counted, duration } from './wording.js';

/** What the parts of a status say; null: not known. */
interface Parts {
  readonly workers: readonly WorkerRow[] | null;
  readonly jobs: {
    readonly unfinished: readonly { readonly paused: number }[];
    readonly oldest_unfinished_lot: { readonly job_id: string; readonly age_seconds: number } | null;
  } | null;
  readonly webhooks: {
    readonly oldest_due_seconds: number | null;
    readonly receivers_with_open_circuit: number;
  } | null;
  readonly models: readonly ModelRow[] | null;
  readonly queue: readonly ShardRow[] | null;
  readonly partitions: {
    readonly state: 'off' | 'on' | 'unfinished';
    readonly weeks_ahead: number | null;
    readonly default_has_rows: boolean;
  } | null;
}

/** The reasons of shards that mean that OpenAI failed, or that calls to it are held back because it failed. */
const FAILING = ['server', 'connection', 'broken_body', 'timeout', 'circuit_open'];
const DELIVERY_LATE_SECONDS = 600;
/** OpenAI takes up to a day for a batch. */
const LOT_LATE_SECONDS = 24 * 3600;
/** Workers make eight. */
const LEAST_WEEKS_AHEAD = 2;

/** What somebody must look at, the most urgent first; empty when all is well. */
export function attentionOf({ workers, jobs, webhooks, models, queue, partitions }: Parts): string[] {
  const paused = (models ?? []).filter(({ paused_until }) => paused_until !== null);
  const failing = (queue ?? []).filter(({ reason }) => reason !== null && FAILING.includes(reason));
  const stopped = (queue ?? []).filter(({ status }) => status === 'paused');
  const gone = (workers ?? []).filter(({ alive }) => !alive).length;
  const pausedJobs = jobs?.unfinished.reduce((sum, each) => sum + each.paused, 0) ?? 0;
  const due = webhooks?.oldest_due_seconds ?? 0;
  const oldest = jobs?.oldest_unfinished_lot ?? null;
  return [
    ...(workers?.some(({ alive }) => alive) === false ? ['No worker is running: batches and webhooks wait.'] : []),
    ...paused.map(({ model, reason }) => `Nothing is sent to ${model} for now: ${reason ?? 'no reason is known'}.`),
    ...(failing.length === 0
      ? []
      : [`OpenAI fails: ${counted(shardsOf(failing), 'shard')} wait for it (${reasonsOf(failing)}).`]),
    ...(stopped.length === 0
      ? []
      : [
          `OpenAI does not know ${counted(shardsOf(stopped), 'batch of ours', 'batches of ours')} (${reasonsOf(stopped)}).`,
        ]),
    ...(due < DELIVERY_LATE_SECONDS ? [] : [`The oldest webhook has been due for ${duration(due)}.`]),
    ...(webhooks === null || webhooks.receivers_with_open_circuit === 0
      ? []
      : [`Receivers that are down: ${webhooks.receivers_with_open_circuit} (npm run ops -- receivers).`]),
    ...(oldest === null || oldest.age_seconds < LOT_LATE_SECONDS
      ? []
      : [`The oldest unfinished lot is ${duration(oldest.age_seconds)} old, in job ${oldest.job_id}.`]),
    ...partitionWords(partitions),
    ...(gone === 0 ? [] : [`Workers that ended without a word in the last day: ${gone}.`]),
    ...(pausedJobs === 0 ? [] : [`Paused jobs: ${pausedJobs}.`]),
  ];
}

function partitionWords(partitions: Parts['partitions']): string[] {
  if (partitions === null) return [];
  const { state, weeks_ahead: ahead, default_has_rows: outside } = partitions;
  return [
    ...(state === 'unfinished' ? ['A change of the partitions was ended before it was done: repeat the command.'] : []),
    ...(ahead !== null && ahead < LEAST_WEEKS_AHEAD
      ? [`Only ${counted(ahead, 'week')} ahead have a partition: does a worker run?`]
      : []),
    ...(outside ? ['Rows of lots are in a default partition (npm run ops -- partitions status).'] : []),
  ];
}

function shardsOf(rows: readonly ShardRow[]): number {
  return rows.reduce((sum, { shards }) => sum + shards, 0);
}

function reasonsOf(rows: readonly ShardRow[]): string {
  return [...new Set(rows.map(({ reason }) => reason ?? 'no reason is known'))].join(', ');
}
