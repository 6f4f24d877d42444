import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { isTerminal, JOB_STATUSES, UNFINISHED_SQL, type JobStage, type JobStatus } from './states.js';

/** What the whole service has in hand. */
export interface UnfinishedWork {
  readonly jobs: Readonly<Partial<Record<JobStatus, number>>>;
  readonly lots: Readonly<Partial<Record<JobStage, number>>>;
  readonly paused: number;
  /** Without the time for which its job was paused; 0 when there is nothing to do. */
  readonly oldestSeconds: number;
}

interface StatusRow {
  readonly status: JobStatus;
  readonly jobs: number;
  readonly paused: number;
  readonly images: number;
  readonly vision: number;
  readonly translation: number;
  readonly oldest: number | null;
  readonly [column: string]: unknown;
}

/** Counts what is unfinished, from the counters in the rows of unfinished jobs: no lot is read. */
@Injectable()
export class JobCountsStore {
  constructor(private readonly database: Database) {}

  async unfinished(): Promise<UnfinishedWork> {
    const rows = await this.database.query<StatusRow>(
      `select status, count(*)::int as jobs, count(paused_at)::int as paused,
         sum(awaiting_images)::int as images, sum(awaiting_vision)::int as vision,
         sum(awaiting_translation)::int as translation,
         max(extract(epoch from clock_timestamp() - created_at) - paused_ms / 1000.0)
           filter (where paused_at is null)::float8 as oldest
       from batch_jobs where status in ${UNFINISHED_SQL} group by status`,
    );
    const sum = (of: (row: StatusRow) => number | null) => rows.reduce((total, row) => total + (of(row) ?? 0), 0);
    const counts = JOB_STATUSES.filter((status) => !isTerminal(status)).map((status) => [
      status,
      rows.find((row) => row.status === status)?.jobs ?? 0,
    ]);
    return {
      jobs: Object.fromEntries(counts) as UnfinishedWork['jobs'],
      lots: {
        image_check: sum(({ images }) => images),
        vision_analysis: sum(({ vision }) => vision),
        translation: sum(({ translation }) => translation),
      },
      paused: sum(({ paused }) => paused),
      oldestSeconds: Math.max(0, ...rows.map(({ oldest }) => oldest ?? 0)),
    };
  }
}
