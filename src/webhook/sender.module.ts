import { Module } from '@nestjs/common';
import { AttemptsModule } from './attempts.module.js';
import { DeliverySender } from './delivery-sender.js';
import { OutboxModule } from './outbox.module.js';
import { OutcomeWriter } from './outcome-writer.js';
import { WebhookCron } from './webhook.cron.js';

/** Sends due deliveries. Only workers load it. */
@Module({
  imports: [AttemptsModule, OutboxModule],
  providers: [DeliverySender, OutcomeWriter, WebhookCron],
})
export class SenderModule {}
