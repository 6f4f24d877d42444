import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { KeysModule } from '../auth/keys.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { AttemptRunner } from './attempt-runner.js';
import { BodyRenderer } from './body-renderer.js';
import { DeliveryQueue } from './delivery-queue.js';
import { OldestPending } from './oldest-pending.js';
import { OutcomeStore } from './outcome-store.js';
import { ReceiverKeys } from './receiver-keys.js';
import { WebhookSigner } from './webhook-signer.js';
import { WebhookAttempt, WebhookDelivery, WebhookEndpoint } from './webhook.entities.js';

/** One request to a receiver and what came of it: the sender's many, and the API's test event. */
@Module({
  imports: [
    TypeOrmModule.forFeature([WebhookDelivery, WebhookAttempt, WebhookEndpoint]),
    JobsModule,
    KeysModule,
    OutboundModule,
  ],
  providers: [AttemptRunner, BodyRenderer, DeliveryQueue, OldestPending, OutcomeStore, ReceiverKeys, WebhookSigner],
  exports: [AttemptRunner, DeliveryQueue, OutcomeStore, TypeOrmModule],
})
export class AttemptsModule {}
