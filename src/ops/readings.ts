import { Injectable } from '@nestjs/common';
import { QueueOverviewReader } from '../batch/shards/queue-overview-reader.js';
import { Clock, rfc3339 } from '../common/clock.js';
import { JobOverviewReader } from '../jobs/job-overview-reader.js';
import { JobReader } from '../jobs/job-reader.js';
import { KeyUsageStore } from '../jobs/key-usage-store.js';
import { daysAsked } from '../polling/usage-days.js';
import { ReceiverOverviewReader } from '../webhook/receiver-overview-reader.js';
import type { Reading } from './command-line.js';
import { actRow, failedLotRow, failureRow, jobRow, modelRow, receiverRow, shardRow, usageRow } from './documents.js';
import { OperatorActStore } from './operator-act-store.js';
import { PartitionReading } from './partition-reading.js';
import { Status } from './status.js';
import * as views from './views.js';

/** What a command prints: a document for programs, and what people see of it. */
export interface Printed {
  readonly document: object;
  readonly text: string;
}

/** The commands that only look. */
@Injectable()
export class Readings {
  constructor(
    private readonly clock: Clock,
    private readonly status: Status,
    private readonly jobs: JobOverviewReader,
    private readonly reader: JobReader,
    private readonly queue: QueueOverviewReader,
    private readonly receivers: ReceiverOverviewReader,
    private readonly usage: KeyUsageStore,
    private readonly acts: OperatorActStore,
    private readonly partitions: PartitionReading,
  ) {}

  /** @throws ServiceError JOB_NOT_FOUND, VALIDATION_FAILED */
  async read(reading: Reading): Promise<Printed> {
    const now = this.clock.now();
    switch (reading.name) {
      case 'status':
        return printed(await this.status.read(), views.statusText);
      case 'queue': {
        const [shards, models] = await Promise.all([this.queue.shards(), this.queue.models()]);
        const document = { shards: shards.map((row) => shardRow(row, now)), models: models.map(modelRow) };
        return printed(document, views.queueText);
      }
      case 'jobs': {
        const jobs = await this.jobs.list(reading);
        return printed({ jobs: jobs.map((job) => jobRow(job, now)) }, views.jobsText);
      }
      case 'failures':
        return reading.jobId === null ? this.byCode(reading, now) : this.ofJob(reading);
      case 'receivers': {
        const found = await this.receivers.list({ ...reading, now: new Date(now) });
        return printed({ receivers: found.map(receiverRow) }, views.receiversText);
      }
      case 'usage': {
        const days = daysAsked(reading, now);
        const rows = await this.usage.sum(reading.keyId, days, reading.by);
        return printed({ ...days, group_by: reading.by, rows: rows.map(usageRow) }, views.usageText);
      }
      case 'partitions':
        return printed(await this.partitions.read(), views.partitionsText);
      case 'audit': {
        const jobId = reading.jobId === null ? null : (await this.reader.find(reading.jobId, null)).id;
        const acts = (await this.acts.latest(jobId, reading.limit)).map(actRow);
        return printed({ acts }, (document) => views.auditText(document, jobId !== null));
      }
    }
  }

  private async byCode({ sinceMs, keyId }: { sinceMs: number; keyId: string | null }, now: number): Promise<Printed> {
    const since = new Date(now - sinceMs);
    const failures = await this.jobs.failuresSince(since, keyId);
    return printed({ since: rfc3339(since), failures: failures.map(failureRow) }, views.failuresText);
  }

  private async ofJob(asked: { jobId: string; code: string | null; limit: number }): Promise<Printed> {
    const job = await this.reader.find(asked.jobId, null);
    const lots = await this.jobs.failedLots(job.id, asked.code, asked.limit);
    const document = { job_id: job.id, failed_lots: job.failedLots, lots: lots.map(failedLotRow) };
    return printed(document, views.failedLotsText);
  }
}

function printed<D extends object>(document: D, textOf: (document: D) => string): Printed {
  return { document, text: textOf(document) };
}
