import { Injectable } from '@nestjs/common';
import { rfc3339 } from '../common/clock.js';
import { PartitionStore } from '../jobs/partition-store.js';
import { Partitions } from '../jobs/partitions.js';

export type PartitionsDocument = Awaited<ReturnType<PartitionReading['read']>>;
export type PartitionRow = PartitionsDocument['partitions'][number];

/** What `partitions status` shows. */
@Injectable()
export class PartitionReading {
  constructor(
    private readonly partitions: Partitions,
    private readonly store: PartitionStore,
  ) {}

  async read() {
    const { state, tables } = await this.partitions.overview();
    const named = tables.flatMap(({ table, partitioned, partitions, leftovers }) => [
      ...(partitioned ? [] : [{ table, name: table, span: null, kind: 'table' as const }]),
      ...partitions.map(({ name, span }) => ({
        table,
        name,
        span,
        kind: span === null ? ('default' as const) : ('week' as const),
      })),
      ...leftovers.map((name) => ({ table, name, span: null, kind: 'leftover' as const })),
    ]);
    const sizes = await this.store.sizes(named.map(({ name }) => name));
    const ahead = tables.flatMap(({ weeksAhead }) => weeksAhead ?? []);
    return {
      state,
      weeks_ahead: ahead.length === 0 ? null : Math.min(...ahead),
      default_has_rows: tables.some(({ outside }) => outside),
      partitions: named.map(({ table, name, span, kind }) => ({
        table,
        name,
        kind,
        from: timeOrNull(span?.from),
        to: timeOrNull(span?.to),
        bytes: sizes.get(name) ?? 0,
      })),
    };
  }
}

function timeOrNull(time: number | null | undefined): string | null {
  return time == null ? null : rfc3339(new Date(time));
}
