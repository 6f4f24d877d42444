import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { WorkerBeat } from './worker-beat.js';
import { WorkerPresence } from './worker-presence.js';
import { WorkerStore } from './worker-store.js';
import { Worker } from './worker.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([Worker])],
  controllers: [HealthController],
  providers: [HealthService, WorkerBeat, WorkerPresence, WorkerStore],
  exports: [WorkerPresence],
})
export class HealthModule {}
