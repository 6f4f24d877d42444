import { Module } from '@nestjs/common';
import { JobEnder, JobEndOutbox } from '../jobs/job-ender.js';
import { DeliveryHints } from '../common/work-hints.js';
import { DeliveryOutbox } from './delivery-outbox.js';
import { WebhookJobEndOutbox } from './job-end-outbox.js';
import { ProgressEvents } from './progress-events.js';

/** How a job ends and moves on: `JobEnder` is given here what it writes for receivers in its transaction. Sends nothing. */
@Module({
  providers: [
    JobEnder,
    { provide: JobEndOutbox, useClass: WebhookJobEndOutbox },
    DeliveryOutbox,
    DeliveryHints,
    ProgressEvents,
  ],
  exports: [JobEnder, DeliveryHints, DeliveryOutbox, ProgressEvents],
})
export class OutboxModule {}
