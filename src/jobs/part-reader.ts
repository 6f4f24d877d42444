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
  /** How many lots the job has. */
  readonly totalLots: number;
  /** Whether the job shows the assessment or the usage of its lots. */
  readonly includes: boolean;
}

/**
 * Jobs of up to this many lots are read together, whatever order PostgreSQL chooses: at worst it reads all their lots. A larger job
 * is read by itself.
 */
const FEW_LOTS = 64;

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
    const groups = new Map<string, NumberedRange[]>();
    for (const [index, range] of ranges.entries()) {
      const name = range.totalLots <= FEW_LOTS ? 'few' : range.jobId;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [{ ...range, index }]);
      else group.push({ ...range, index });
    }
    await Promise.all([...groups.values()].map((group) => this.read(group, found)));
    return found;
  }

  private async read(ranges: readonly NumberedRange[], found: readonly LotRecord[][]): Promise<void> {
    const rows = await this.database.query<Row>(
      `select p.n as range, l.position, l.lot_id as "lotId", l.status,
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
        where l.job_id = any($2::uuid[]) and l.position between $7 and $8
        order by p.n, l.position, r.language, r.revision desc`,
      [
        ranges.map(({ index }) => index),
        ranges.map(({ jobId }) => jobId),
        ranges.map(({ from }) => from),
        ranges.map(({ to }) => to),
        ranges.map(({ revision }) => revision),
        ranges.map(({ includes }) => includes),
        Math.min(...ranges.map(({ from }) => from)),
        Math.max(...ranges.map(({ to }) => to)),
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
  }
}

interface NumberedRange extends LotRange {
  /** Its place among the ranges that are asked for. */
  readonly index: number;
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
