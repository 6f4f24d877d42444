import { Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import { Database } from '../database/database.service.js';
import { BEAT_LIMIT_SECONDS } from './worker-presence.js';

/** A process that works in the background, or did so within the last day and did not end in order. */
export interface ListedWorker {
  readonly id: string;
  readonly role: string;
  readonly startedAt: Date;
  readonly beatAt: Date;
  /** By the database's clock, which the beats are written with. */
  readonly beatAgeSeconds: number;
  readonly alive: boolean;
}

/** What operators see of the workers. */
@Injectable()
export class WorkerReader {
  constructor(private readonly database: Database) {}

  /** The latest beat first. */
  async list(): Promise<ListedWorker[]> {
    return this.database.query<ListedWorker & QueryResultRow>(
      `select id, role, started_at as "startedAt", beat_at as "beatAt",
         greatest(0, extract(epoch from now() - beat_at))::float8 as "beatAgeSeconds",
         beat_at > now() - ${BEAT_LIMIT_SECONDS} * interval '1 second' as alive
       from workers order by beat_at desc, id`,
    );
  }
}
