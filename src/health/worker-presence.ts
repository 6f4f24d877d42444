import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Raw, type Repository } from 'typeorm';
import { RecentValue } from '../common/recent-value.js';
import { Worker } from './worker.entity.js';
import type { WorkerBeats } from './worker-metrics.js';

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

  /** How many workers there are, and how long ago the latest beat was. @throws when the database cannot be asked */
  async beats(): Promise<WorkerBeats> {
    const row = await this.workers
      .createQueryBuilder('w')
      .select(`count(*) filter (where ${isAlive('w.beat_at')})::int`, 'alive')
      .addSelect('extract(epoch from now() - max(w.beat_at))::float8', 'latestSeconds')
      .getRawOne<WorkerBeats>();
    return row ?? { alive: 0, latestSeconds: null };
  }

  /** Whether there is a worker now. @throws when the database cannot be asked */
  look(): Promise<boolean> {
    return this.workers.existsBy({ beatAt: Raw(isAlive) });
  }
}

/** SQL: this beat is recent. */
function isAlive(beat: string): string {
  return `${beat} > now() - ${BEAT_LIMIT_SECONDS} * interval '1 second'`;
}
