import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Raw, type Repository } from 'typeorm';
import { RecentValue } from '../common/recent-value.js';
import { Worker } from './worker.entity.js';

/** A worker whose last beat is older counts as dead. */
export const BEAT_LIMIT_SECONDS = 60;
/** One query serves all who ask within this many milliseconds. */
const CACHE_MS = 1000;

/** Tells whether any process does the background work, from the rows of workers. */
@Injectable()
export class WorkerPresence {
  private readonly there = new RecentValue(CACHE_MS, () => this.look().catch(() => false));

  constructor(@InjectRepository(Worker) private readonly workers: Repository<Worker>) {}

  /** Whether there is a worker, at most a second old; also false while the database does not answer. */
  isThere(): Promise<boolean> {
    return this.there.get();
  }

  /** Whether there is a worker now. @throws when the database cannot be asked */
  look(): Promise<boolean> {
    return this.workers.existsBy({
      beatAt: Raw((beat) => `${beat} > now() - ${BEAT_LIMIT_SECONDS} * interval '1 second'`),
    });
  }
}
