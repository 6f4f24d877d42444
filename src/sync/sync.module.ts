import { Module } from '@nestjs/common';
import { DescribeModule } from '../describe/describe.module.js';
import { GlossariesModule } from '../glossaries/glossaries.module.js';
import { ImagesModule } from '../images/images.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OutboxModule } from '../webhook/outbox.module.js';
import { SyncBudgets } from './sync-budget.js';
import { SyncLeases } from './sync-leases.js';
import { SyncPipeline } from './sync-pipeline.js';
import { SyncRequests } from './sync-requests.js';

/** Describes one lot while its client waits. If the process dies, a worker goes on with the lot. */
@Module({
  imports: [DescribeModule, GlossariesModule, ImagesModule, JobsModule, OutboxModule],
  providers: [SyncBudgets, SyncLeases, SyncPipeline, SyncRequests],
  exports: [SyncRequests],
})
export class SyncModule {}
