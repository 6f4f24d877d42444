import { Module, type DynamicModule } from '@nestjs/common';
import { AuthModule } from './auth/auth.module.js';
import { GenerationModule } from './generation/generation.module.js';
import { HealthModule } from './health/health.module.js';
import { PollingModule } from './polling/polling.module.js';
import { WebhookApiModule } from './webhook/webhook-api.module.js';

/**
 * The door of clients: the signed API. It has no crons. The process that gets a synchronous request also does its work.
 */
@Module({})
export class ApiModule {
  /**
   * openapi.json and /docs list the routes in the order of this list. A function makes it, because in `@Module` the
   * order would depend on which module imports another first.
   */
  static register(): DynamicModule {
    const rooms = [AuthModule, GenerationModule, PollingModule, WebhookApiModule, HealthModule];
    return { module: ApiModule, imports: rooms };
  }
}
