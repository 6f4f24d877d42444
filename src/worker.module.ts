import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ExpiredLimitsModule } from './auth/limits/expired-limits.module.js';
import { BatchModule } from './batch/batch.module.js';
import { WantedGlossariesModule } from './glossaries/wanted-glossaries.module.js';
import { HealthModule } from './health/health.module.js';
import { WorkerBeatModule } from './health/worker-beat.module.js';
import { AbandonedJobsModule } from './sync/abandoned-jobs.module.js';
import { SenderModule } from './webhook/sender.module.js';

/**
 * The background work, started by crons: batches, webhooks, and synchronous jobs whose process died. Its only
 * controllers are those for operators.
 */
@Module({
  imports: [
    ScheduleModule.forRoot(),
    BatchModule,
    SenderModule,
    AbandonedJobsModule,
    WantedGlossariesModule,
    ExpiredLimitsModule,
    WorkerBeatModule,
    HealthModule,
  ],
})
export class WorkerModule {}
