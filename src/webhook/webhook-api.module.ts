import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { AttemptsModule } from './attempts.module.js';
import { DeliveriesService } from './deliveries.service.js';
import { OutboxModule } from './outbox.module.js';
import { PingService } from './ping.service.js';
import { Repeats } from './repeats.js';
import { WebhookCommands } from './webhook-commands.js';
import { WebhookController } from './webhook.controller.js';

/** The webhook routes: listing deliveries, sending them again, a test event. Only an api loads it. */
@Module({
  imports: [AttemptsModule, JobsModule, OutboundModule, OutboxModule],
  controllers: [WebhookController],
  providers: [DeliveriesService, PingService, Repeats, WebhookCommands],
  exports: [Repeats],
})
export class WebhookApiModule {}
