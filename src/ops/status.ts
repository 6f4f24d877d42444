import { Inject, Injectable } from '@nestjs/common';
import { QueueOverviewReader } from '../batch/shards/queue-overview-reader.js';
import { orAbort } from '../common/abort-signals.js';
import { Clock, DAY_MS, rfc3339 } from '../common/clock.js';
import { WorkerReader } from '../health/worker-reader.js';
import { JobOverviewReader } from '../jobs/job-overview-reader.js';
import { Partitions } from '../jobs/partitions.js';
import { ClaimStore } from '../webhook/claim-store.js';
import { ReceiverOverviewReader } from '../webhook/receiver-overview-reader.js';
import { attentionOf } from './attention.js';
import { refusalOf } from './refusal.js';
import { ageSeconds, failureRow, modelRow, shardRow, workerRow } from './documents.js';

/** How many milliseconds a part may take. The server ends its statements before that, unless it does not answer at all. */
export const PART_MS = Symbol('PART_MS');

/** A part as it was read, or why it was not. */
type Part<T> = { readonly value: T; readonly error?: never } | { readonly value: null; readonly error: unknown };

/** What could not be read, and why. */
interface UnknownPart {
  readonly part: string;
  readonly why: string;
}

export type StatusDocument = Awaited<ReturnType<Status['read']>>;

/** What an operator who was woken wants to know first. Each part is read by itself: one that takes too long hides no other. */
@Injectable()
export class Status {
  constructor(
    @Inject(PART_MS) private readonly partMs: number,
    private readonly clock: Clock,
    private readonly workers: WorkerReader,
    private readonly jobs: JobOverviewReader,
    private readonly queue: QueueOverviewReader,
    private readonly claims: ClaimStore,
    private readonly partitions: Partitions,
    private readonly receivers: ReceiverOverviewReader,
  ) {}

  /** @throws the first part's error when nothing at all can be read */
  async read() {
    const now = this.clock.now();
    const part = async <T>(look: () => Promise<T>): Promise<Part<T>> => {
      try {
        return { value: await orAbort(look(), AbortSignal.timeout(this.partMs)) };
      } catch (error) {
        return { value: null, error };
      }
    };
    const parts = {
      workers: part(async () => (await this.workers.list()).map(workerRow)),
      jobs: part(() => this.jobsNow(now)),
      webhooks: part(() => this.webhooksNow(now)),
      models: part(async () => (await this.queue.models()).map(modelRow)),
      queue: part(async () => (await this.queue.shards()).map((shards) => shardRow(shards, now))),
      partitions: part(() => this.partitionsNow()),
      failures_last_day: part(async () =>
        (await this.jobs.failuresSince(new Date(now - DAY_MS), null)).map(failureRow),
      ),
    };
    const read = {
      workers: await parts.workers,
      jobs: await parts.jobs,
      webhooks: await parts.webhooks,
      models: await parts.models,
      queue: await parts.queue,
      partitions: await parts.partitions,
      failures_last_day: await parts.failures_last_day,
    };
    const found = {
      workers: read.workers.value,
      jobs: read.jobs.value,
      webhooks: read.webhooks.value,
      models: read.models.value,
      queue: read.queue.value,
      partitions: read.partitions.value,
      failures_last_day: read.failures_last_day.value,
    };
    const failed = Object.entries(read).filter(([, { value }]) => value === null);
    if (failed.length === Object.keys(read).length) throw failed[0]?.[1].error;
    const unknown = failed.map(([name, { error }]): UnknownPart => ({ part: name, why: refusalOf(error).sentence }));
    return { at: rfc3339(new Date(now)), attention: attentionOf(found), ...found, unknown };
  }

  private async jobsNow(now: number) {
    const [unfinished, oldest, ended] = await Promise.all([
      this.jobs.unfinished(),
      this.jobs.oldestRunning(),
      this.jobs.endedSince(new Date(now - DAY_MS)),
    ]);
    return {
      unfinished: unfinished.map(({ status, jobs, paused, lots, oldest: first }) => ({
        status,
        jobs,
        paused,
        unfinished_lots: lots,
        oldest_seconds: ageSeconds(first, now),
      })),
      // Lots have no time of their own: each is as old as its job, without the time for which that was paused.
      oldest_unfinished_lot: oldest === null ? null : { job_id: oldest.id, age_seconds: ageSeconds(oldest.since, now) },
      ended_last_day: ended,
    };
  }

  private async partitionsNow() {
    const { state, tables } = await this.partitions.overview();
    const ahead = tables.flatMap(({ weeksAhead }) => weeksAhead ?? []);
    return {
      state,
      weeks_ahead: ahead.length === 0 ? null : Math.min(...ahead),
      default_has_rows: tables.some(({ outside }) => outside),
    };
  }

  private async webhooksNow(now: number) {
    const [open, oldest, failing] = await Promise.all([
      this.receivers.openDeliveries(),
      this.claims.oldestDue(new Date(now)),
      this.receivers.withOpenCircuit(),
    ]);
    return {
      pending: open.pending,
      in_flight: open.inFlight,
      oldest_due_seconds: oldest === null ? null : ageSeconds(oldest, now),
      receivers_with_open_circuit: failing,
    };
  }
}
