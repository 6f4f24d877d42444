import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import type { StoredError } from './batch-job.entity.js';
import { LOT_SQL } from './states.js';
import type { LotDescription, LotRecord } from './lot-result.js';

/** Consecutive lots of one job. */
export interface LotRange extends JobOfPart {
  readonly jobId: string;
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
  /** The highest revision to read. */
  readonly revision: number;
}

/** What must be known of the job of a range. */
export interface JobOfPart {
  readonly totalLots: number;
  /** Whether it shows the assessment or the usage of its lots. */
  readonly includes: boolean;
}

/** SQL of a {@link JobOfPart} as JSON; null when the job is gone. @param jobId - SQL of the job's id */
export function jobOfPartSql(jobId: string): string {
  return `(select json_build_object('totalLots', total_lots, 'includes', options ? 'include') from batch_jobs where id = ${jobId})`;
}

/**
 * Jobs of up to this many lots are read together, whatever order PostgreSQL chooses: at worst it reads all their lots. A larger job
 * is read by itself.
 */
const FEW_LOTS = 64;

interface Row {
  readonly run: number;
  readonly position: number;
  readonly lotId: string;
  readonly status: LotRecord['status'];
  /** Milliseconds since 1970. */
  readonly finishedAt: number | null;
  readonly processedImages: number;
  readonly missingImages: string | null;
  readonly missingReasons: string | null;
  readonly lotError: StoredError | null;
  /** Null for a lot without descriptions. */
  readonly language: string | null;
  readonly html: string;
  readonly fallback: boolean;
  readonly assessment: string | null;
  readonly needsReview: string | null;
  readonly usage: string | null;
}

/**
 * Reads small ranges of lots of many jobs at once: a hundred jobs of one lot take one statement instead of two hundred. It names
 * the jobs as values, so that only those servers and partitions are asked that have their lots.
 * Use LotResultReader for large ranges: its memory does not grow, and it reads lots and results by two statements.
 */
@Injectable()
export class PartReader {
  constructor(private readonly database: Database) {}

  /**
   * The lots of each range with their descriptions, in the order of positions; `renderLot` renders them like all
   * others.
   */
  async readMany(ranges: readonly LotRange[]): Promise<LotRecord[][]> {
    const found = ranges.map((): LotRecord[] => []);
    const numbered = ranges.map((range, index) => ({ ...range, index }));
    const few = numbered.filter(({ totalLots }) => totalLots <= FEW_LOTS).map((range): Run => [range]);
    const runs = runsOf(numbered.filter(({ totalLots }) => totalLots > FEW_LOTS));
    await Promise.all([few, ...runs.map((run) => [run])].map((group) => this.read(group, found)));
    return found;
  }

  /** @param runs - each of ranges of one job that follow each other */
  private async read(runs: readonly Run[], found: readonly LotRecord[][]): Promise<void> {
    if (runs.length === 0) return;
    const first = runs.map(([range]) => range);
    const last = runs.map((run) => (run.at(-1) as NumberedRange).to);
    const rows = await this.database.query<Row>(
      `select p.n as run, l.position, l.lot_id as "lotId", l.status,
          (extract(epoch from l.finished_at) * 1000)::float8 as "finishedAt", l.processed_images as "processedImages",
          l.missing_images::text as "missingImages", l.missing_reasons::text as "missingReasons", l.error as "lotError", r.language, r.html, r.fallback,
          case when p.includes then r.assessment::text end as assessment,
          r.needs_review::text as "needsReview",
          case when p.includes then r.usage::text end as usage
        from unnest($1::int[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::boolean[])
          as p (n, job_id, first, last, revision, includes)
        join batch_lots l on l.job_id = p.job_id and l.position between p.first and p.last
        left join batch_results r on r.job_id = l.job_id and r.position = l.position and r.revision <= p.revision
          and l.status = ${LOT_SQL.completed}
        where l.job_id = any($9::uuid[]) and l.position between $7 and $8
        order by p.n, l.position, r.language, r.revision desc`,
      [
        runs.map((_, index) => index),
        first.map(({ jobId }) => jobId),
        first.map(({ from }) => from),
        last,
        first.map(({ revision }) => revision),
        first.map(({ includes }) => includes),
        Math.min(...first.map(({ from }) => from)),
        Math.max(...last),
        // Each once: by a job that is named a hundred times the planner expects a hundred times its lots.
        [...new Set(first.map(({ jobId }) => jobId))],
      ],
    );
    let position = -1;
    let run = -1;
    let descriptions: LotDescription[] = [];
    for (const row of rows) {
      if (row.run !== run || row.position !== position) {
        ({ run, position } = row);
        descriptions = [];
        const range = runs[run]?.find(({ to }) => row.position <= to);
        found[range?.index ?? -1]?.push(toRecord(row, descriptions));
      }
      const { language, html, fallback, assessment, needsReview, usage } = row;
      // The highest revision comes first; a failed lot has no description.
      if (language !== null && descriptions.at(-1)?.language !== language) {
        descriptions.push({ language, html, fallback, assessment, needsReview, usage });
      }
    }
  }
}

interface NumberedRange extends LotRange {
  /** Its place among the ranges that are asked for. */
  readonly index: number;
}
type Run = readonly [NumberedRange, ...NumberedRange[]];

/** Ranges that follow each other in one job are read as one. */
function runsOf(ranges: readonly NumberedRange[]): Run[] {
  const runs: [NumberedRange, ...NumberedRange[]][] = [];
  const inOrder = ranges.toSorted((a, b) => (a.jobId < b.jobId ? -1 : a.jobId > b.jobId ? 1 : a.from - b.from));
  for (const range of inOrder) {
    const last = runs.at(-1)?.at(-1);
    const follows = last?.jobId === range.jobId && last.revision === range.revision && last.to + 1 === range.from;
    if (follows) runs.at(-1)?.push(range);
    else runs.push([range]);
  }
  return runs;
}

function toRecord(lot: Row, descriptions: readonly LotDescription[]): LotRecord {
  return {
    lotId: lot.lotId,
    status: lot.status,
    finishedAt: lot.finishedAt === null ? null : new Date(lot.finishedAt),
    processedImages: lot.processedImages,
    missingImages: lot.missingImages,
    missingReasons: lot.missingReasons,
    error: lot.lotError,
    descriptions,
  };
}
