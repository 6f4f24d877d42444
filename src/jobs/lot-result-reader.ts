import { Inject, Injectable } from '@nestjs/common';
import { Database, type Sql } from '../database/database.service.js';
import type { StoredError } from './batch-job.entity.js';
import { lotFilterSql, windowsOf, type LotFilter } from './lot-filter-store.js';
import { LOT_ENDED_SQL } from './states.js';
import { renderLot, type LotDescription, type LotRecord, type LotView } from './lot-result.js';

/** The part of a job that is needed to read its lots; a JobRecord has all of it. */
export interface JobOfLots extends LotView {
  readonly id: string;
  readonly webhookUrl: string | null;
  /** The highest revision to read. A stream keeps the one that it began with. */
  readonly revision: number;
}

export interface LotSelection extends LotFilter {
  /** The first position; 0 if absent. */
  readonly from?: number;
  /** The last position, inclusive. */
  readonly to?: number;
  /** Only these lots. */
  readonly lotIds?: readonly string[];
  /** Only lots that are completed or failed. */
  readonly onlyFinished?: boolean;
  /** Only lots with this webhook address: their own, or else the job's. */
  readonly receiver?: string;
  /** Read the text of the English source too, even if English was not asked for. */
  readonly withSource?: boolean;
  readonly signal?: AbortSignal;
}

/** Where a page ends. */
export interface PageEnd {
  /** How many lots it has. */
  readonly lots: number;
  /** The position of its last lot; null when it has none. */
  readonly last: number | null;
  /** Whether there are lots behind it. */
  readonly more: boolean;
}

/** How many lots are read at a time: their rows are narrow, and each statement costs as much as 30 of them. */
const RANGE_LOTS = 512;
/**
 * How many lots a page of texts has at most. Pages are kept small so that their strings are freed by the minor garbage
 * collection. With pages of 500 lots they outlived it, and moving them took 40 % of the time: 50,000 lots in 4
 * languages cost 0.88 s of CPU, and 0.53 s with 128.
 */
const PAGE_LOTS = 128;
/** How many rendered bytes a page has at most, estimated; a larger lot is a page of its own. */
const PAGE_BYTES = 512 * 1024;

type LotRow = [
  position: number,
  lotId: string,
  status: LotRecord['status'],
  /** Milliseconds since 1970, because pg takes five times as long to parse a timestamp's text. */
  finishedAt: number | null,
  processedImages: number,
  missingImages: string | null,
  missingReasons: string | null,
  error: StoredError | null,
  renderedBytes: number,
];

type ResultRow = [
  position: number,
  language: string,
  html: string,
  fallback: boolean,
  revision: number,
  needsReview: string | null,
  assessment?: string | null,
  usage?: string | null,
];

/**
 * Reads a job's lots with their descriptions, in the order of positions. Memory does not grow with the job's size.
 * It uses keyset pages rather than a cursor, so a client that reads slowly holds no connection and no transaction.
 * Lots and results are read by two statements, because a join took twice the time (measured on 200,000 rows). Lots are
 * read first: a lot that reads as completed had its results committed with it, and results never change.
 */
@Injectable()
export class LotResultReader {
  constructor(@Inject(Database) private readonly sql: Pick<Sql, 'rows'>) {}

  /** The same reader on other connections, such as those of a replica. */
  on(sql: Pick<Sql, 'rows'>): LotResultReader {
    return sql === this.sql ? this : new LotResultReader(sql);
  }

  /**
   * Yields each lot as JSON text (see renderLot): the same bytes whenever it is read again at the same revision.
   * @throws Error when a completed lot's results are gone, as after retention; what was read so far is incomplete then
   */
  async *readLots(job: JobOfLots, selection: LotSelection = {}): AsyncGenerator<string, void, undefined> {
    for await (const page of this.readPages(job, selection)) {
      for (const lot of page) yield renderLot(lot, job);
    }
  }

  /**
   * Yields the same lots unrendered, one page at a time. The next page is read while the caller works on this one. A
   * slow caller keeps that page in memory, but holds no connection.
   */
  readPages(job: JobOfLots, selection: LotSelection = {}): AsyncGenerator<LotRecord[], void, undefined> {
    return readAhead(this.pages(job, selection), selection.signal);
  }

  /** The positions of these lots by lot id; ids that the job does not have are missing. */
  async positions(job: Pick<JobOfLots, 'id'>, lotIds: readonly string[]): Promise<Map<string, number>> {
    return new Map(
      await this.sql.rows<[lotId: string, position: number]>(
        'select lot_id, position from batch_lots where job_id = $1 and lot_id = any($2::text[])',
        [job.id, lotIds],
      ),
    );
  }

  /**
   * Where a page of `limit` lots ends. A page's lots are known before the first is sent, because a header says how to go
   * on.
   */
  async pageEnd(job: JobOfLots, selection: LotSelection, limit: number): Promise<PageEnd> {
    const positions: number[] = [];
    for (const window of windowsOf(selection)) {
      const { from, values } = lotsSql(job, { ...selection, ...window });
      const rows = await this.sql.rows<[position: number]>(
        `select l.position ${from} order by l.position limit $${values.length + 1}`,
        [...values, limit + 1 - positions.length],
      );
      for (const [position] of rows) positions.push(position);
      if (positions.length > limit) break;
    }
    const lots = Math.min(limit, positions.length);
    return { lots, last: positions[lots - 1] ?? null, more: positions.length > limit };
  }

  private async *pages(job: JobOfLots, selection: LotSelection): AsyncGenerator<LotRecord[], void, undefined> {
    for (const window of windowsOf(selection)) yield* this.pagesIn(job, { ...selection, ...window });
  }

  private async *pagesIn(job: JobOfLots, selection: LotSelection): AsyncGenerator<LotRecord[], void, undefined> {
    for (let from = selection.from ?? 0; ;) {
      const rows = await this.readLotRows(job, { ...selection, from });
      for (const page of pagesOf(rows)) {
        const results = await this.readResults(job, selection, page);
        yield page.map((row) => toRecord(row, results.get(row[0]) ?? []));
      }
      const last = rows.at(-1);
      if (rows.length < RANGE_LOTS || last === undefined) return;
      from = last[0] + 1;
    }
  }

  private async readLotRows(job: JobOfLots, selection: LotSelection): Promise<LotRow[]> {
    const { from: lots, values } = lotsSql(job, selection);
    return this.sql.rows<LotRow>(
      `select l.position, l.lot_id, l.status, (extract(epoch from l.finished_at) * 1000)::float8, l.processed_images, l.missing_images::text,
          l.missing_reasons::text, l.error,
          l.rendered_bytes
        ${lots} order by l.position limit ${RANGE_LOTS}`,
      values,
    );
  }

  /** The descriptions of a page by position, each language at its highest revision. */
  private async readResults(
    job: JobOfLots,
    selection: LotSelection,
    page: readonly LotRow[],
  ): Promise<Map<number, ResultRow[]>> {
    const completed = page.filter((row) => row[2] === 'completed').map((row) => row[0]);
    const found = new Map<number, ResultRow[]>();
    if (completed.length === 0) return found;
    const { include = [] } = job.options;
    const first = completed[0] as number;
    const last = completed.at(-1) as number;
    const values: unknown[] = [job.id, [...job.languages, 'en'], first, last, job.revision];
    let where = 'job_id = $1 and position between $3 and $4 and language = any($2) and revision <= $5';
    // A few lots that are far apart are named one by one; a range would also read all lots between them.
    if (last - first >= 2 * completed.length) where += ` and position = any($${values.push(completed)})`;
    // The English source says whether the lot needs a review, also where its text is not shown and so not read.
    const shown = selection.withSource === true ? [...job.languages, 'en'] : job.languages;
    const html = `case when language = any($${values.push(shown)}::text[]) then html else '' end`;
    const rows = await this.sql.rows<ResultRow>(
      `select position, language, ${html}, fallback, revision, needs_review::text
          ${include.length > 0 ? ', assessment::text' : ''} ${include.includes('usage') ? ', usage::text' : ''}
        from batch_results where ${where}`,
      values,
    );
    for (const row of rows) {
      const ofLot = found.get(row[0]);
      if (ofLot === undefined) {
        found.set(row[0], [row]);
        continue;
      }
      const same = ofLot.findIndex((other) => other[1] === row[1]);
      if (same === -1) ofLot.push(row);
      else if ((ofLot[same] as ResultRow)[4] < row[4]) ofLot[same] = row;
    }
    return found;
  }
}

/** The FROM and WHERE that find a job's lots. */
function lotsSql(job: JobOfLots, selection: LotSelection): { from: string; values: unknown[] } {
  const values: unknown[] = [job.id, selection.from ?? 0];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const to = selection.to === undefined ? null : parameter(selection.to);
  const inRange = (position: string) => ` and ${position} >= $2${to === null ? '' : ` and ${position} <= ${to}`}`;
  let where = `l.job_id = $1${inRange('l.position')}`;
  if (selection.lotIds !== undefined) where += ` and l.lot_id = any(${parameter(selection.lotIds)}::text[])`;
  if (selection.onlyFinished === true) where += ` and l.status in ${LOT_ENDED_SQL}`;
  let join = '';
  if (selection.receiver !== undefined) {
    join = 'join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position';
    where += ` and coalesce(i.webhook, ${parameter(job.webhookUrl)}::text) = ${parameter(selection.receiver)}`;
  }
  where += lotFilterSql(selection, job, { job: '$1', lot: 'l', inRange, parameter });
  return { from: `from batch_lots l ${join} where ${where}`, values };
}

function* pagesOf(rows: readonly LotRow[]): Generator<LotRow[], void, undefined> {
  let start = 0;
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    bytes += row[8];
    if (index === start || (index - start < PAGE_LOTS && bytes <= PAGE_BYTES)) continue;
    yield rows.slice(start, index);
    start = index;
    bytes = row[8];
  }
  if (start < rows.length) yield rows.slice(start);
}

/** Asks for the next value while the caller works on the current one. */
async function* readAhead<T>(
  source: AsyncGenerator<T, void, undefined>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  try {
    signal?.throwIfAborted();
    for (let next = source.next(); ;) {
      const { value, done } = await next;
      if (done === true) return;
      signal?.throwIfAborted();
      next = source.next();
      // Avoid an unhandled rejection if the consumer stops early; awaiting `next` still throws.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await source.return();
  }
}

function toRecord(lot: LotRow, results: readonly ResultRow[]): LotRecord {
  return {
    lotId: lot[1],
    status: lot[2],
    finishedAt: lot[3] === null ? null : new Date(lot[3]),
    processedImages: lot[4],
    missingImages: lot[5],
    missingReasons: lot[6],
    error: lot[7],
    descriptions: results.map((row): LotDescription => ({
      language: row[1],
      html: row[2],
      fallback: row[3],
      needsReview: row[5],
      assessment: row[6],
      usage: row[7],
    })),
  };
}
