import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { BatchModule } from './batch/batch.module.js';
import { WantedGlossariesModule } from './glossaries/wanted-glossaries.module.js';
import { HealthModule } from './health/health.module.js';
import { WorkerBeatModule } from './health/worker-beat.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { AbandonedJobsModule } from './sync/abandoned-jobs.module.js';
import { SenderModule } from './webhook/sender.module.js';

/** What nobody waits for, by crons: batches, webhooks, synchronous jobs whose process is gone. It has no controller but the operator's. */
@Module({
  imports: [
    ScheduleModule.forRoot(),
    BatchModule,
    SenderModule,
    AbandonedJobsModule,
    WantedGlossariesModule,
    WorkerBeatModule,
    HealthModule,
    MetricsModule,
  ],
})
export class WorkerModule {}
