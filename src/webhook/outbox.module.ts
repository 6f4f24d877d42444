import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { GivenUpEvents } from './given-up-events.js';
import { GivenUpStore } from './given-up-store.js';
import { JobEnder, JobEndOutbox } from '../jobs/job-ender.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { ClaimStore } from './claim-store.js';
import { DeliveryHints } from '../common/work-hints.js';
import { DeliveryStore } from './delivery-store.js';
import { WebhookJobEndOutbox } from './job-end-outbox.js';
import { OutboxStore } from './outbox-store.js';
import { OutcomeStore } from './outcome-store.js';
import { ProgressEvents } from './progress-events.js';
import { ReceiverStore } from './receiver-store.js';
import { WebhookAttempt, WebhookDelivery, WebhookEndpoint } from './webhook.entities.js';

const STORES = [ClaimStore, DeliveryStore, GivenUpStore, OutboxStore, OutcomeStore, ReceiverStore];

/**
 * The rows of deliveries, attempts and receivers, and the queueing of webhooks when a job ends or moves on: `JobEnder`
 * gets its outbox here. This module sends nothing.
 */
@Module({
  imports: [TypeOrmModule.forFeature([WebhookDelivery, WebhookAttempt, WebhookEndpoint]), JobsModule],
  providers: [
    JobEnder,
    { provide: JobEndOutbox, useClass: WebhookJobEndOutbox },
    DeliveryHints,
    GivenUpEvents,
    ProgressEvents,
    ...STORES,
  ],
  exports: [JobEnder, DeliveryHints, ProgressEvents, ...STORES],
})
export class OutboxModule {}
