import { Injectable } from '@nestjs/common';
import { cursorAfter, parseCursor } from '../common/cursor.js';
import type { JobRecord } from '../jobs/job-columns.js';
import { JobReader, type JobFilter } from '../jobs/job-reader.js';
import { ReplicaReader } from '../jobs/replica-reader.js';
import { CompletionEstimates } from './completion-estimates.js';
import type { JobListDto, JobListItemDto, ListQuery } from './list.dto.js';
import { parseRfc3339 } from '../common/clock.js';
import { namesWebhook, progressOf, stateOf } from './status-body.js';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

/** A key's jobs, the latest first. */
@Injectable()
export class ListService {
  constructor(
    private readonly jobs: JobReader,
    private readonly replica: ReplicaReader,
    private readonly estimates: CompletionEstimates,
  ) {}

  async list(keyId: string, query: ListQuery): Promise<JobListDto> {
    const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
    const afterId = query.cursor === undefined ? null : parseCursor(query.cursor);
    const offset = afterId === null ? (query.offset ?? 0) : 0;
    const filter = filterOf(keyId, query);
    const asked = { limit, offset, ...(afterId !== null && { afterId }) };
    const page = await this.replica.list((sql) => this.jobs.list(filter, asked, sql));
    const last = page.jobs.at(-1);
    return {
      jobs: await Promise.all(page.jobs.map((job) => this.item(job))),
      pagination: {
        limit,
        offset,
        total: page.total,
        has_more: page.hasMore,
        next_cursor: page.hasMore && last !== undefined ? cursorAfter(last.id) : null,
      },
    };
  }

  private async item(job: JobRecord): Promise<JobListItemDto> {
    return {
      id: job.id,
      ...stateOf(job),
      total_lots: job.totalLots,
      processed_lots: job.processedLots,
      failed_lots: job.failedLots,
      progress: progressOf(job, await this.estimates.of(job)),
      languages: [...job.languages],
      error_message: job.error?.message ?? null,
      webhook_configured: namesWebhook(job),
      metadata: { ...job.metadata },
      retry_of: job.retryOf,
    };
  }
}

function filterOf(keyId: string, query: ListQuery): JobFilter {
  const createdAfter = query.created_after === undefined ? null : parseRfc3339(query.created_after);
  const createdBefore = query.created_before === undefined ? null : parseRfc3339(query.created_before);
  return {
    keyId,
    ...(query.status !== undefined && { statuses: query.status }),
    ...(query.mode !== undefined && { mode: query.mode }),
    ...(createdAfter !== null && { createdAfter }),
    ...(createdBefore !== null && { createdBefore }),
  };
}
