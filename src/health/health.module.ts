import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { WorkerBeat } from './worker-beat.js';
import { Worker } from './worker.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([Worker])],
  controllers: [HealthController],
  providers: [HealthService, WorkerBeat],
})
export class HealthModule {}
