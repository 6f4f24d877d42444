import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { MetricsController } from './metrics.controller.js';
import { WorkerPresence } from './worker-presence.js';
import { Worker } from './worker.entity.js';

/** What operators ask: is the process alive, can it work, is there a worker, what are its metrics. Every role has it. */
@Module({
  imports: [TypeOrmModule.forFeature([Worker])],
  controllers: [HealthController, MetricsController],
  providers: [HealthService, WorkerPresence],
  exports: [WorkerPresence],
})
export class HealthModule {}
