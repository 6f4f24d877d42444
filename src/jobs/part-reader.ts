import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import type { StoredError } from './batch-job.entity.js';
import { LOT_SQL } from './states.js';
import type { LotDescription, LotRecord } from './lot-result.js';

/** Consecutive lots of one job. */
export interface LotRange {
  readonly jobId: string;
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
  /** The highest revision to read. */
  readonly revision: number;
}

interface Row {
  readonly range: number;
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
 * Reads small ranges of lots of many jobs at once: a hundred jobs of one lot take one statement instead of two hundred.
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
    if (ranges.length === 0) return found;
    const rows = await this.database.query<Row>(
      `select p.n as range, l.position, l.lot_id as "lotId", l.status,
          (extract(epoch from l.finished_at) * 1000)::float8 as "finishedAt", l.processed_images as "processedImages",
          l.missing_images::text as "missingImages", l.missing_reasons::text as "missingReasons", l.error as "lotError", r.language, r.html, r.fallback,
          case when j.options ? 'include' then r.assessment::text end as assessment,
          r.needs_review::text as "needsReview",
          case when j.options ? 'include' then r.usage::text end as usage
        from unnest($1::int[], $2::uuid[], $3::int[], $4::int[], $5::int[])
          as p (n, job_id, first, last, revision)
        join batch_jobs j on j.id = p.job_id
        -- By the key, range after range: of many small ones the planner thinks little enough to read the whole table.
        cross join lateral (
          select * from batch_lots where job_id = p.job_id and position between p.first and p.last offset 0) l
        left join batch_results r on r.job_id = l.job_id and r.position = l.position and r.revision <= p.revision
          and l.status = ${LOT_SQL.completed}
        order by p.n, l.position, r.language, r.revision desc`,
      [
        ranges.map((_, index) => index),
        ranges.map(({ jobId }) => jobId),
        ranges.map(({ from }) => from),
        ranges.map(({ to }) => to),
        ranges.map(({ revision }) => revision),
      ],
    );
    let position = -1;
    let range = -1;
    let descriptions: LotDescription[] = [];
    for (const row of rows) {
      if (row.range !== range || row.position !== position) {
        ({ range, position } = row);
        descriptions = [];
        found[range]?.push(toRecord(row, descriptions));
      }
      const { language, html, fallback, assessment, needsReview, usage } = row;
      // The highest revision comes first; a failed lot has no description.
      if (language !== null && descriptions.at(-1)?.language !== language) {
        descriptions.push({ language, html, fallback, assessment, needsReview, usage });
      }
    }
    return found;
  }
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
