import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { BEAT_LIMIT_SECONDS } from './worker-beat.js';

/** One look at the database serves all who ask within so many milliseconds. */
const CACHE_MS = 1000;

/** Whether any process does the background work, by its row in `workers`. */
@Injectable()
export class WorkerPresence {
  private cached: { readonly at: number; readonly there: Promise<boolean> } | undefined;

  constructor(private readonly database: Database) {}

  /** As of a second ago at most; false too while the database cannot say. */
  isThere(): Promise<boolean> {
    const now = performance.now();
    if (this.cached === undefined || now - this.cached.at > CACHE_MS) {
      this.cached = { at: now, there: this.look().catch(() => false) };
    }
    return this.cached.there;
  }

  /** As of now. */
  async look(): Promise<boolean> {
    const [row] = await this.database.query<{ alive: boolean }>(
      `select exists (select 1 from workers where beat_at > now() - $1 * interval '1 second') as alive`,
      [BEAT_LIMIT_SECONDS],
    );
    return row?.alive === true;
  }
}
