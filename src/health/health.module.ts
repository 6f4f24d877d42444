import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { WorkerPresence } from './worker-presence.js';
import { Worker } from './worker.entity.js';

/** Answers whether the process is alive, whether it can work, and whether there is a worker. Every role has it. */
@Module({
  imports: [TypeOrmModule.forFeature([Worker])],
  controllers: [HealthController],
  providers: [HealthService, WorkerPresence],
  exports: [WorkerPresence],
})
export class HealthModule {}
