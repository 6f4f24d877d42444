import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module.js';
import { OutboxModule } from '../webhook/outbox.module.js';
import { AbandonedJobsCron } from './abandoned-jobs.cron.js';
import { SyncModule } from './sync.module.js';

/** Takes over synchronous jobs whose process died. Only workers load it. */
@Module({
  imports: [JobsModule, OutboxModule, SyncModule],
  providers: [AbandonedJobsCron],
})
export class AbandonedJobsModule {}
