import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Clock } from '../common/clock.js';
import { JobEnder, JobEndOutbox } from '../jobs/job-ender.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { AttemptRunner } from './attempt-runner.js';
import { BodyRenderer } from './body-renderer.js';
import { DeliveryHints } from './delivery-hints.js';
import { OutboxStore } from './outbox-store.js';
import { ClaimStore } from './claim-store.js';
import { DeliverySender } from './delivery-sender.js';
import { DeliveriesService } from './deliveries.service.js';
import { DeliveryStore } from './delivery-store.js';
import { PingService } from './ping.service.js';
import { ReceiverKeys } from './receiver-keys.js';
import { Repeats } from './repeats.js';
import { WebhookCommands } from './webhook-commands.js';
import { WebhookController } from './webhook.controller.js';
import { WebhookJobEndOutbox } from './job-end-outbox.js';
import { OutcomeStore } from './outcome-store.js';
import { OutcomeWriter } from './outcome-writer.js';
import { ProgressEvents } from './progress-events.js';
import { ReceiverStore } from './receiver-store.js';
import { WebhookSigner } from './signer.js';
import { WebhookCron } from './webhook.cron.js';
import { WebhookAttempt, WebhookDelivery, WebhookEndpoint } from './webhook.entities.js';

/** How receivers learn of a job's end: `JobEnder` is given what it writes for them in its transaction here. */
@Module({
  imports: [TypeOrmModule.forFeature([WebhookDelivery, WebhookAttempt, WebhookEndpoint]), JobsModule, OutboundModule],
  controllers: [WebhookController],
  providers: [
    Clock,
    JobEnder,
    { provide: JobEndOutbox, useClass: WebhookJobEndOutbox },
    ClaimStore,
    DeliveryStore,
    OutboxStore,
    OutcomeStore,
    ReceiverStore,
    DeliveryHints,
    OutcomeWriter,
    ReceiverKeys,
    ProgressEvents,
    WebhookSigner,
    BodyRenderer,
    AttemptRunner,
    DeliverySender,
    WebhookCron,
    DeliveriesService,
    PingService,
    Repeats,
    WebhookCommands,
  ],
  exports: [JobEnder, DeliveryHints, ProgressEvents, Repeats, ReceiverStore],
})
export class WebhookModule {}
