import { Module } from '@nestjs/common';
import { KeysModule } from '../auth/keys.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { AttemptRunner } from './attempt-runner.js';
import { BodyRenderer } from './body-renderer.js';
import { OldestPending } from './oldest-pending.js';
import { OutboxModule } from './outbox.module.js';
import { ReceiverKeys } from './receiver-keys.js';
import { WebhookSigner } from './webhook-signer.js';

/** Runs single attempts and records their outcome, for the sender and for the API's test event. */
@Module({
  imports: [JobsModule, KeysModule, OutboundModule, OutboxModule],
  providers: [AttemptRunner, BodyRenderer, OldestPending, ReceiverKeys, WebhookSigner],
  exports: [AttemptRunner],
})
export class AttemptsModule {}
