import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { PartitionMergeStore } from './partition-merge-store.js';
import type { LotTable } from './lot.entities.js';
import { defaultOf, PartitionedMeanwhileError, PartitionStore, type TableLayout } from './partition-store.js';
import { firstWeekAfter, gapAt, includes, missingWeeks, timeOf, WEEK_MS, weeksAhead, type Span } from './weeks.js';

/** What was done with one table. */
export interface PartitionChange {
  readonly table: LotTable;
  /** How long others may have waited for the table; null: it was as wanted already. */
  readonly heldMs: number | null;
  /** Rows that were moved into the table. */
  readonly rows: number;
}

interface TableOverview extends Omit<TableLayout, 'check'> {
  /** How many weeks after this one have a partition; null without partitions. */
  readonly weeksAhead: number | null;
  /** Whether the default partition has rows. */
  readonly outside: boolean;
}

export interface PartitionOverview {
  /** `unfinished`: a command was ended before it was done. */
  readonly state: 'off' | 'on' | 'unfinished';
  readonly tables: readonly TableOverview[];
}

export type PartitionRefusal = 'DISTRIBUTED' | 'DISABLING' | 'JOBS_RUNNING';

/** It cannot be done now; the message says why and what to do. */
export class PartitionsRefusedError extends Error {
  override readonly name = 'PartitionsRefusedError';

  constructor(
    readonly code: PartitionRefusal,
    message: string,
  ) {
    super(message);
  }
}

/** A prepared table refuses jobs from the end of its span on, so a preparation that was left alone is taken back before. */
const LEAST_MARGIN_MS = WEEK_MS / 2;
/** How long jobs of other weeks are waited for. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 1000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * Weekly partitions of the tables that hold nearly all bytes. What is to be done next is seen from the tables alone, so that each
 * of these may be ended at any moment and begun again, by any process.
 */
@Injectable()
export class Partitions {
  constructor(
    private readonly clock: Clock,
    private readonly store: PartitionStore,
    private readonly merge: PartitionMergeStore,
  ) {}

  /** Makes the tables partitioned ones; each becomes the first partition as it is. @throws PartitionsRefusedError */
  async enable(): Promise<PartitionChange[]> {
    await this.refuseDistributed();
    const layouts = await this.store.layouts();
    if (layouts.some(({ leftovers }) => leftovers.length > 0)) {
      throw new PartitionsRefusedError(
        'DISABLING',
        'The partitions are being disabled. Finish that first: npm run ops -- partitions disable.',
      );
    }
    const changes: PartitionChange[] = [];
    for (const layout of layouts) changes.push(await this.partition(layout));
    await this.keep();
    return changes;
  }

  /** Makes them plain tables again. @throws PartitionsRefusedError */
  async disable(): Promise<PartitionChange[]> {
    await this.refuseDistributed();
    const changes = new Map<LotTable, PartitionChange>();
    for (const layout of await this.store.layouts()) {
      const { table, partitioned, check } = layout;
      const heldMs = partitioned ? await this.join(layout) : null;
      if (check !== null && !partitioned) await this.store.release(table);
      changes.set(table, { table, heldMs, rows: 0 });
    }
    for (const { table, leftovers } of await this.store.layouts()) {
      let rows = 0;
      for (const leftover of leftovers) rows += await this.empty(table, leftover);
      if (leftovers.length > 0) await this.store.analyze(table);
      changes.set(table, { table, heldMs: changes.get(table)?.heldMs ?? null, rows });
    }
    return [...changes.values()];
  }

  /** What there is, for operators. */
  async overview(): Promise<PartitionOverview> {
    const layouts = await this.store.layouts();
    const now = this.clock.now();
    const tables: TableOverview[] = [];
    for (const { table, partitioned, partitions, leftovers } of layouts) {
      const spans = partitions.flatMap(({ span }) => (span === null ? [] : [span]));
      tables.push({
        table,
        partitioned,
        partitions,
        leftovers,
        weeksAhead: partitioned ? weeksAhead(spans, now) : null,
        outside: partitioned && (await this.store.ends(defaultOf(table))) !== null,
      });
    }
    const none = layouts.every(
      ({ partitioned, leftovers, check }) => !partitioned && leftovers.length === 0 && check === null,
    );
    const all = layouts.every(({ partitioned }) => partitioned);
    return { state: none ? 'off' : all ? 'on' : 'unfinished', tables };
  }

  /** Makes the weeks that are missing, where there are partitions; and takes back a preparation that nobody goes on with. */
  async keep(signal?: AbortSignal): Promise<void> {
    if ((await this.store.distributed()).length > 0) return;
    for (const layout of await this.store.layouts()) {
      const { table, partitioned, check } = layout;
      // The check of a preparation; of a partitioned table it would refuse later weeks.
      if (check !== null && (partitioned || !this.isFarEnough(check.span))) await this.store.release(table, signal);
      if (partitioned) await this.keepWeeks(layout, signal);
    }
  }

  private async partition({ table, partitioned, check }: TableLayout): Promise<PartitionChange> {
    if (partitioned) return { table, heldMs: null, rows: 0 };
    const begun = check !== null && this.isFarEnough(check.span) ? check.span.to : null;
    const to = begun ?? firstWeekAfter(this.clock.now());
    try {
      await this.store.confine(table, { from: null, to });
      const { heldMs } = await this.store.partition(table, to);
      return { table, heldMs, rows: 0 };
    } catch (error) {
      if (!(error instanceof PartitionedMeanwhileError)) throw error;
      return { table, heldMs: null, rows: 0 };
    }
  }

  private async keepWeeks({ table, partitions }: TableLayout, signal?: AbortSignal): Promise<void> {
    const now = this.clock.now();
    const spans = partitions.flatMap(({ span }) => (span === null ? [] : [span]));
    const ends = await this.store.ends(defaultOf(table));
    if (ends !== null) {
      // Rows that came while their week was missing. A week cannot be added beside them, so they become one as they are.
      const gap = gapAt(spans, timeOf(ends.first));
      const to = Math.min(gap?.to ?? Infinity, firstWeekAfter(now));
      const span = { from: gap?.from ?? null, to };
      if (gap !== null && includes(span, timeOf(ends.last))) {
        await this.store.confine(defaultOf(table), span, signal);
        await this.store.promoteDefault(table, span, signal);
        spans.push(span);
      }
    }
    let added = false;
    for (const week of missingWeeks(spans, now))
      added = (await this.store.addWeek(table, spanOfWeek(week), signal)) || added;
    // Once a week, by this.
    if (added) await this.store.analyze(table);
  }

  private async join({ table }: TableLayout): Promise<number> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const { result: waiting, heldMs } = await this.merge.join(table, this.clock.now());
      if (waiting === 0) return heldMs;
      if (performance.now() > end) throw jobsRunning(table, waiting);
      await sleep(LOOK_MS);
    }
  }

  /** Moves all rows of a former partition into the table, and drops it. @returns how many */
  private async empty(table: LotTable, leftover: string): Promise<number> {
    const end = performance.now() + PATIENCE_MS;
    let rows = 0;
    for (;;) {
      for (let after = BEFORE_ALL; ;) {
        const step = await this.merge.moveSome(table, leftover, after);
        if (step === null) break;
        rows += step.rows;
        after = step.after;
      }
      if (await this.merge.dropEmpty(leftover)) return rows;
      if (performance.now() > end) throw jobsRunning(table, null);
      await sleep(LOOK_MS);
    }
  }

  private isFarEnough({ to }: Span): boolean {
    return to !== null && to - this.clock.now() > LEAST_MARGIN_MS;
  }

  private async refuseDistributed(): Promise<void> {
    const tables = await this.store.distributed();
    if (tables.length === 0) return;
    throw new PartitionsRefusedError(
      'DISTRIBUTED',
      `Citus distributes ${tables.join(', ')} here, which takes the place of partitions: both together are not supported.`,
    );
  }
}

function spanOfWeek(week: number): { from: number; to: number } {
  return { from: week, to: week + WEEK_MS };
}

function jobsRunning(table: LotTable, jobs: number | null): PartitionsRefusedError {
  return new PartitionsRefusedError(
    'JOBS_RUNNING',
    `${table} waits for the end of ${jobs === null ? 'jobs' : `${jobs} job(s)`} of another week. Repeat the command when they have ended; ` +
      `until then the service works as before.`,
  );
}
