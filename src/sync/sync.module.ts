import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DescribeModule } from '../describe/describe.module.js';
import { ImagesModule } from '../images/images.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { WebhookModule } from '../webhook/webhook.module.js';
import { AbandonedJobsCron } from './abandoned-jobs.cron.js';
import { SyncBudgets } from './sync-budget.js';
import { SyncLeases } from './sync-leases.js';
import { SyncPipeline } from './sync-pipeline.js';
import { SyncRequests } from './sync-requests.js';

/** One lot described while its client waits, and by a worker where the process that did so is gone. */
@Module({
  imports: [DescribeModule, ImagesModule, JobsModule, WebhookModule],
  providers: [Clock, AbandonedJobsCron, SyncBudgets, SyncLeases, SyncPipeline, SyncRequests],
  exports: [SyncRequests],
})
export class SyncModule {}
