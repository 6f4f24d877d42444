import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ShardsModule } from '../batch/shards/shards.module.js';
import { DescribeModule } from '../describe/describe.module.js';
import { GlossariesModule } from '../glossaries/glossaries.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { SyncModule } from '../sync/sync.module.js';
import { OutboxModule } from '../webhook/outbox.module.js';
import { WebhookApiModule } from '../webhook/webhook-api.module.js';
import { Answers } from './answers.js';
import { GenerationController } from './generation.controller.js';
import { GenerationService } from './generation.service.js';
import { RequestIntake } from './intake/request-intake.js';
import { SpoolFolder } from './intake/spool-folder.js';
import { StraightCopies } from './intake/straight-copy.js';
import { JobCreator } from './job-creator.js';
import { JobLimits } from './job-limits.js';
import { RetryController } from './retry/retry.controller.js';
import { RetryCreator } from './retry/retry-creator.js';
import { RetryService } from './retry/retry.service.js';

/** POST generate-descriptions takes in requests of any size and answers them; POST …/retry makes a job of failed lots. */
@Module({
  imports: [
    AuthModule,
    DescribeModule,
    GlossariesModule,
    JobsModule,
    OutboundModule,
    ShardsModule,
    SyncModule,
    OutboxModule,
    WebhookApiModule,
  ],
  controllers: [GenerationController, RetryController],
  providers: [
    Answers,
    GenerationService,
    RequestIntake,
    SpoolFolder,
    StraightCopies,
    JobCreator,
    JobLimits,
    RetryCreator,
    RetryService,
  ],
})
export class GenerationModule {}
