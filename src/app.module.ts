import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AuthModule } from './auth/auth.module.js';
import { BatchModule } from './batch/batch.module.js';
import type { AppConfig } from './config/app-config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { GenerationModule } from './generation/generation.module.js';
import { HealthModule } from './health/health.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { PollingModule } from './polling/polling.module.js';
import { WebhookModule } from './webhook/webhook.module.js';

/** The whole service: one build, and the settings' role decides which of its crons work. */
@Module({})
export class AppModule {
  /** @param databaseUrl - what `prepareDatabase` answered */
  static forRoot(config: AppConfig, databaseUrl: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(config, databaseUrl),
        ScheduleModule.forRoot(),
        AuthModule,
        GenerationModule,
        BatchModule,
        PollingModule,
        WebhookModule,
        HealthModule,
        MetricsModule,
      ],
    };
  }
}
