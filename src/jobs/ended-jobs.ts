import { Injectable } from '@nestjs/common';
import type { EndedJob } from './job-columns.js';
import { JobReader } from './job-reader.js';

/** How many jobs are kept in memory: a large job has hundreds of deliveries, and each needs its job. */
const CACHED_JOBS = 1000;

/** Reads ended jobs, many in one statement, and remembers the latest: an ended job never changes. */
@Injectable()
export class EndedJobs {
  private readonly cached = new Map<string, EndedJob>();

  constructor(private readonly reader: JobReader) {}

  /** @returns the job; undefined when it does not exist or is still running */
  async find(id: string): Promise<EndedJob | undefined> {
    return (await this.findMany([id])).get(id);
  }

  /** The job, if it is remembered. */
  cachedJob(id: string): EndedJob | undefined {
    return this.cached.get(id);
  }

  /** The ended ones among these jobs, by id. */
  async findMany(ids: readonly string[]): Promise<Map<string, EndedJob>> {
    const found = new Map<string, EndedJob>();
    const missing = new Set<string>();
    for (const id of ids) {
      const job = this.cached.get(id);
      if (job === undefined) missing.add(id);
      else found.set(id, job);
    }
    if (missing.size === 0) return found;
    const jobs = await this.reader.ended([...missing]);
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
