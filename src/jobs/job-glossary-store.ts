import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';

/** Which glossaries a job's texts are written with: version by language, a tag as the client sent it. */
export type GlossaryVersions = Readonly<Record<string, string>>;

/** What a job writes down when it is made. */
export interface PinnedGlossaries {
  readonly glossaries: GlossaryVersions;
  /** The version of the client's own words; null without. */
  readonly clientWords: string | null;
}

export interface JobGlossaryRow extends PinnedGlossaries {
  readonly languages: readonly string[];
}

/** The glossary versions that jobs have written down. */
@Injectable()
export class JobGlossaryStore {
  constructor(private readonly database: Database) {}

  /** @returns null when there is no such job */
  async read(jobId: string): Promise<JobGlossaryRow | null> {
    const [row] = await this.database.query<JobGlossaryRow & { [column: string]: unknown }>(
      'select languages, glossaries, client_words as "clientWords" from batch_jobs where id = $1',
      [jobId],
    );
    return row ?? null;
  }

  /**
   * Writes down versions of languages that had none, and of those whose version cannot be used any more.
   * @param expected - what each of these languages has now, null where it has none; one that has another by then keeps it
   * @returns what the job has now: of two processes that write at once, both write with what the first wrote
   */
  async write(
    jobId: string,
    versions: GlossaryVersions,
    expected: Readonly<Record<string, string | null>>,
  ): Promise<GlossaryVersions> {
    const [row] = await this.database.query<{ glossaries: Record<string, string> }>(
      `update batch_jobs set glossaries = glossaries || coalesce((
         select jsonb_object_agg(fresh.key, fresh.value) from jsonb_each_text($2::jsonb) fresh
          where glossaries ->> fresh.key is not distinct from $3::jsonb ->> fresh.key), '{}')
       where id = $1 returning glossaries`,
      [jobId, JSON.stringify(versions), JSON.stringify(expected)],
    );
    return row?.glossaries ?? {};
  }
}
