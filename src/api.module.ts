import { Module, type DynamicModule } from '@nestjs/common';
import { AuthModule } from './auth/auth.module.js';
import { GenerationModule } from './generation/generation.module.js';
import { HealthModule } from './health/health.module.js';
import { PollingModule } from './polling/polling.module.js';
import { WebhookApiModule } from './webhook/webhook-api.module.js';

/** The door of clients: the signed API. It has no crons; a synchronous request is worked on by the process that was asked. */
@Module({})
export class ApiModule {
  /** Dynamic for the sake of openapi.json and /docs: their routes come in the order of these, whichever imports another. */
  static register(): DynamicModule {
    const rooms = [AuthModule, GenerationModule, PollingModule, WebhookApiModule, HealthModule];
    return { module: ApiModule, imports: rooms };
  }
}
