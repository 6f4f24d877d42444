import { Injectable } from '@nestjs/common';
import type { ClientWords } from '../assessment/client-words.js';
import { Database } from '../database/database.service.js';

/** The own words of clients that jobs have begun with. None is ever changed. */
@Injectable()
export class ClientWordsStore {
  constructor(private readonly database: Database) {}

  /** Keeps words. Those that are there stay as they are: the same words have the same version. */
  async keep(version: string, words: ClientWords): Promise<void> {
    await this.database.execute(
      'insert into client_word_versions (version, words, created_at) values ($1, $2, now()) on conflict do nothing',
      [version, JSON.stringify(words)],
    );
  }

  /** @returns null when they were never kept */
  async words(version: string): Promise<ClientWords | null> {
    const [row] = await this.database.query<{ words: ClientWords }>(
      'select words from client_word_versions where version = $1',
      [version],
    );
    return row?.words ?? null;
  }
}
