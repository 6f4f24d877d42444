import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import type { StoredError } from './batch-job.entity.js';
import type { JobOfLots } from './lot-result-reader.js';
import type { TerminalStatus } from './states.js';

/** What is told of a job that has ended; nothing of it ever changes again. */
export interface EndedJob extends JobOfLots {
  readonly status: TerminalStatus;
  readonly keyId: string;
  readonly secretFingerprint: string;
  readonly totalLots: number;
  readonly processedLots: number;
  readonly failedLots: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly error: StoredError | null;
  readonly completedAt: Date | null;
  readonly cancelledAt: Date | null;
}

/** Jobs kept in memory: a large job has hundreds of deliveries, and each needs its job. */
const CACHED_JOBS = 1000;

/** Reads ended jobs, many in one statement, and remembers the latest. */
@Injectable()
export class EndedJobs {
  private readonly cached = new Map<string, EndedJob>();

  constructor(private readonly database: Database) {}

  /** @returns the job, or undefined when it does not exist (any more) or runs */
  async find(id: string): Promise<EndedJob | undefined> {
    return (await this.findMany([id])).get(id);
  }

  /** The job if it was read lately. */
  cachedJob(id: string): EndedJob | undefined {
    return this.cached.get(id);
  }

  /** Those of the jobs that have ended, by id. */
  async findMany(ids: readonly string[]): Promise<Map<string, EndedJob>> {
    const found = new Map<string, EndedJob>();
    const missing = new Set<string>();
    for (const id of ids) {
      const job = this.cached.get(id);
      if (job === undefined) missing.add(id);
      else found.set(id, job);
    }
    if (missing.size === 0) return found;
    const jobs = await this.database.query<EndedJob>(
      `select id, key_id as "keyId", secret_fingerprint as "secretFingerprint", status, languages,
         webhook_url as "webhookUrl", options, metadata, error, total_lots as "totalLots",
         processed_lots as "processedLots", failed_lots as "failedLots", completed_at as "completedAt",
         cancelled_at as "cancelledAt"
       from batch_jobs where id = any($1::uuid[]) and status in ('completed', 'failed', 'cancelled')`,
      [[...missing]],
    );
    for (const job of jobs) {
      found.set(job.id, job);
      this.cached.set(job.id, job);
    }
    for (const id of this.cached.keys()) {
      if (this.cached.size <= CACHED_JOBS) break;
      this.cached.delete(id);
    }
    return found;
  }
}
