import { Module } from '@nestjs/common';
import { AuthModule } from './auth/auth.module.js';
import { GenerationModule } from './generation/generation.module.js';
import { PollingModule } from './polling/polling.module.js';
import { WebhookApiModule } from './webhook/webhook-api.module.js';

/** The door of clients: the signed API. It has no crons; synchronous requests are worked on here, by who waits for them. */
@Module({ imports: [AuthModule, GenerationModule, PollingModule, WebhookApiModule] })
export class ApiModule {}
