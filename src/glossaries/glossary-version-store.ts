import { Injectable } from '@nestjs/common';
import type { GlossaryState } from '../assessment/text/glossary.js';
import { Database, type Sql } from '../database/database.service.js';
import type { GlossaryOrigin } from './glossary.entities.js';

export interface NewGlossaryVersion {
  readonly tag: string;
  readonly version: string;
  readonly origin: GlossaryOrigin;
  readonly state: GlossaryState;
  /** JSON, in the form of a file of `glossaries/`. */
  readonly words: string;
}

/** Every version of a glossary that a job has used or may use. None is ever changed. */
@Injectable()
export class GlossaryVersionStore {
  constructor(private readonly database: Database) {}

  /** Keeps a version. One that is there stays as it is: the same words have the same version. */
  async keep(sql: Sql, { tag, version, origin, state, words }: NewGlossaryVersion): Promise<void> {
    await sql.execute(
      `insert into glossary_versions (tag, version, origin, state, words, created_at)
       values ($1, $2, $3, $4, $5, now()) on conflict do nothing`,
      [tag, version, origin, state, words],
    );
  }

  /** A version with its words as JSON, in the form of a file; null when it was never kept. */
  async read(tag: string, version: string): Promise<Pick<NewGlossaryVersion, 'state' | 'words'> | null> {
    const [row] = await this.database.query<{ state: GlossaryState; words: string }>(
      'select state, words::text as words from glossary_versions where tag = $1 and version = $2',
      [tag, version],
    );
    return row ?? null;
  }
}
