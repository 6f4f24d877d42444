import { Injectable } from '@nestjs/common';
import { BEAT_LIMIT_SECONDS } from './worker-beat.js';
import { WorkerStore } from './worker-store.js';

/** One look at the database serves all who ask within so many milliseconds. */
const CACHE_MS = 1000;

/** Whether any process does the background work, by its row. */
@Injectable()
export class WorkerPresence {
  private cached: { readonly at: number; readonly there: Promise<boolean> } | undefined;

  constructor(private readonly workers: WorkerStore) {}

  /** As of a second ago at most; false too while the database cannot say. */
  isThere(): Promise<boolean> {
    const now = performance.now();
    if (this.cached === undefined || now - this.cached.at > CACHE_MS) {
      this.cached = { at: now, there: this.look().catch(() => false) };
    }
    return this.cached.there;
  }

  /** As of now. */
  look(): Promise<boolean> {
    return this.workers.isAnyAlive(BEAT_LIMIT_SECONDS);
  }
}
