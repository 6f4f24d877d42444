import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { WorkerPresence } from './worker-presence.js';
import { Worker } from './worker.entity.js';

/** Is the process alive, can it work, and is there a worker? For every role. */
@Module({
  imports: [TypeOrmModule.forFeature([Worker])],
  controllers: [HealthController],
  providers: [HealthService, WorkerPresence],
  exports: [WorkerPresence],
})
export class HealthModule {}
