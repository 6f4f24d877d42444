import { Injectable } from '@nestjs/common';
import { missingPhotos, type MissingPhoto } from '../common/missing-photo.js';
import { Database, type Transaction } from '../database/database.service.js';
import { asksForNotes, type JobOptions } from './batch-job.entity.js';
import { NOBODY } from './retention-store.js';
import { copyResults, isEnglishSource } from './result-store.js';
import { isTerminal, LOT_SQL, TERMINAL_SQL, type JobStatus } from './states.js';

/** An ended job that this process writes the next revision of, under a lease. */
export interface HeldJob {
  readonly id: string;
  /** The lease's token, which each write must name. */
  readonly token: string;
  readonly languages: readonly string[];
  /** The version of the client's own words that it began with. */
  readonly clientWords: string | null;
  readonly options: JobOptions;
  /** The revision that is shown. */
  readonly revision: number;
}

export type HoldAnswer =
  | { readonly kind: 'held'; readonly job: HeldJob }
  /** Another process holds it. @see until - changes whenever that process extends its lease */
  | { readonly kind: 'taken'; readonly until: string }
  | { readonly kind: 'running'; readonly status: JobStatus }
  /** There is no such job, or its removal has begun. */
  | { readonly kind: 'unknown' };

/** A stored description, as far as a later revision of it carries it on. */
interface StoredRow {
  readonly language: string;
  readonly fallback: boolean;
  readonly model: string | null;
  readonly promptVersion: string | null;
  readonly responseId: string | null;
  readonly usage: unknown;
  /** The text as it was put together; null where the job has no notes, of which alone it is needed. */
  readonly strings: unknown;
}

/** A completed lot with what its descriptions can be written from. */
export interface StoredLot {
  readonly position: number;
  readonly images: readonly string[];
  readonly missing: readonly MissingPhoto[];
  /** The model's answer as it came; null for a lot that has none. */
  readonly raw: unknown;
  /** What was made of it at the revision that is shown. */
  readonly assessment: unknown;
  /** The descriptions that are shown, and the English source. */
  readonly rows: readonly StoredRow[];
}

interface LotRow {
  [column: string]: unknown;
  position: number;
  images: string[];
  missingImages: string[] | null;
  missingReasons: string[] | null;
  raw: unknown;
}

interface ResultRow extends StoredRow {
  [column: string]: unknown;
  position: number;
  assessment: unknown;
}

/**
 * Writes the lots of an ended job anew, under a revision that nobody reads until the job shows it. Rows of an earlier revision
 * never change, so that a webhook of that time can be sent again as it was.
 */
@Injectable()
export class RevisionStore {
  constructor(private readonly database: Database) {}

  /** Takes a job for `seconds`; each chunk that is written takes it for as long again. */
  async hold(jobId: string, seconds: number): Promise<HoldAnswer> {
    const [job] = await this.database.query<HeldJob & { [column: string]: unknown }>(
      `update batch_jobs set lock_token = gen_random_uuid(), locked_until = ${leaseEnd('$2')}
       where id = $1 and status in ${TERMINAL_SQL} and key_id <> '${NOBODY}'
         and (locked_until is null or locked_until < clock_timestamp())
       returning id, lock_token as token, languages,
         client_words as "clientWords", options, revision`,
      [jobId, seconds],
    );
    if (job !== undefined) return { kind: 'held', job };
    const [other] = await this.database.query<{ status: JobStatus; until: string | null }>(
      `select status, locked_until::text as until from batch_jobs where id = $1 and key_id <> '${NOBODY}'`,
      [jobId],
    );
    if (other === undefined) return { kind: 'unknown' };
    if (!isTerminal(other.status)) return { kind: 'running', status: other.status };
    return { kind: 'taken', until: other.until ?? '' };
  }

  /** The next completed lots after a position, in the order of positions. */
  async lots(job: HeldJob, after: number, limit: number): Promise<StoredLot[]> {
    const lots = await this.database.query<LotRow>(
      `select l.position, i.images, l.missing_images as "missingImages", l.missing_reasons as "missingReasons", s.raw
       from batch_lots l
       join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position
       left join batch_results s on s.job_id = l.job_id and s.position = l.position and ${isEnglishSource('s')}
       where l.job_id = $1 and l.position > $2 and l.status = ${LOT_SQL.completed}
       order by l.position limit ${limit}`,
      [job.id, after],
    );
    const last = lots.at(-1)?.position ?? after;
    const rows = await this.database.query<ResultRow>(
      `select distinct on (position, language) position, language, fallback, model, prompt_version as "promptVersion",
         response_id as "responseId", usage, assessment, case when $5 then strings end as strings
       from batch_results where job_id = $1 and position > $2 and position <= $3 and revision <= $4
       order by position, language, revision desc`,
      [job.id, after, last, job.revision, asksForNotes(job.options)],
    );
    const byPosition = new Map<number, ResultRow[]>(lots.map(({ position }) => [position, []]));
    for (const row of rows) byPosition.get(row.position)?.push(row);
    return lots.map(({ position, images, missingImages, missingReasons, raw }) => {
      const ofLot = byPosition.get(position) ?? [];
      return {
        position,
        images,
        missing: missingPhotos(missingImages, missingReasons),
        raw,
        assessment: ofLot.find(({ assessment }) => assessment !== null)?.assessment ?? null,
        rows: ofLot,
      };
    });
  }

  /**
   * Writes the next revision of the lots from `first` to `last`. What an earlier run left there is removed: it may be the work of
   * other code, and have rows for languages that this one leaves as they are.
   * @param rows - as {@link ResultRows} encoded them
   * @returns false when another process has the job, or its removal has begun; nothing was written then
   */
  async write(
    job: HeldJob,
    seconds: number,
    { first, last }: { readonly first: number; readonly last: number },
    rows: readonly Buffer[],
  ): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      if (!(await this.extend(tx, job, seconds))) return false;
      await tx.execute('delete from batch_results where job_id = $1 and position between $2 and $3 and revision = $4', [
        job.id,
        first,
        last,
        job.revision + 1,
      ]);
      await copyResults(tx, rows);
      return true;
    });
  }

  /**
   * Shows the next revision, which must be written whole.
   * @returns false when another process has the job, or its removal has begun
   */
  async show(job: HeldJob): Promise<boolean> {
    return (
      (await this.database.execute(
        `update batch_jobs set revision = revision + 1, version = version + 1, updated_at = now(), lock_token = null,
           locked_until = null
         where ${HELD}`,
        [job.id, job.token],
      )) === 1
    );
  }

  /** Gives the job back. What was written of the next revision stays, and nobody reads it. */
  async release(job: HeldJob): Promise<void> {
    await this.database.execute(`update batch_jobs set lock_token = null, locked_until = null where ${HELD}`, [
      job.id,
      job.token,
    ]);
  }

  private async extend(tx: Transaction, job: HeldJob, seconds: number): Promise<boolean> {
    return (
      (await tx.execute(`update batch_jobs set locked_until = ${leaseEnd('$3')} where ${HELD}`, [
        job.id,
        job.token,
        seconds,
      ])) === 1
    );
  }
}

const HELD = `id = $1 and lock_token = $2 and key_id <> '${NOBODY}'`;

function leaseEnd(seconds: string): string {
  return `clock_timestamp() + ${seconds} * interval '1 second'`;
}
