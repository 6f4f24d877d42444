import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { showBuild } from './build-metrics.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { MetricsController } from './metrics.controller.js';
import { WorkerFigures } from './worker-figures.js';
import { WorkerPresence } from './worker-presence.js';
import { Worker } from './worker.entity.js';

/** What operators ask: is the process alive, can it work, is there a worker, what are its metrics. Every role has it. */
@Module({
  imports: [TypeOrmModule.forFeature([Worker])],
  controllers: [HealthController, MetricsController],
  providers: [HealthService, WorkerFigures, WorkerPresence],
  exports: [WorkerPresence],
})
export class HealthModule implements OnModuleInit {
  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  onModuleInit(): void {
    showBuild(this.config.packageRoot, this.config.role);
  }
}
