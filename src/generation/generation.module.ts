import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ShardsModule } from '../batch/shards/shards.module.js';
import { DescribeModule } from '../describe/describe.module.js';
import { GlossariesModule } from '../glossaries/glossaries.module.js';
import { ImagesModule } from '../images/images.module.js';
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
import { PhotoCheckController } from './photo-check/photo-check.controller.js';
import { PhotoCheckResponder } from './photo-check/photo-check.responder.js';
import { PhotoChecks } from './photo-check/photo-checks.js';

/**
 * POST generate-descriptions takes in requests of any size and answers them; POST …/retry makes a job of failed lots; POST photo-check
 * looks at photos before any of that.
 */
@Module({
  imports: [
    AuthModule,
    DescribeModule,
    GlossariesModule,
    ImagesModule,
    JobsModule,
    OutboundModule,
    ShardsModule,
    SyncModule,
    OutboxModule,
    WebhookApiModule,
  ],
  controllers: [GenerationController, PhotoCheckController, RetryController],
  providers: [
    Answers,
    GenerationService,
    RequestIntake,
    SpoolFolder,
    StraightCopies,
    JobCreator,
    JobLimits,
    PhotoCheckResponder,
    PhotoChecks,
    RetryCreator,
    RetryService,
  ],
})
export class GenerationModule {}
