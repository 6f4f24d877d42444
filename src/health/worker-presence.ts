import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Raw, type Repository } from 'typeorm';
import { Worker } from './worker.entity.js';

/** A worker whose beat is older is taken for dead. */
const BEAT_LIMIT_SECONDS = 60;
/** One look at the database serves all who ask within so many milliseconds. */
const CACHE_MS = 1000;

/** Whether any process does the background work, by its row. */
@Injectable()
export class WorkerPresence {
  private cached: { readonly at: number; readonly there: Promise<boolean> } | undefined;

  constructor(@InjectRepository(Worker) private readonly workers: Repository<Worker>) {}

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
    return this.workers.existsBy({
      beatAt: Raw((beat) => `${beat} > now() - ${BEAT_LIMIT_SECONDS} * interval '1 second'`),
    });
  }
}
