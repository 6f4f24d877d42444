import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { Clock } from '../common/clock.js';
import { ImagesModule } from '../images/images.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OpenAiModule } from '../openai/openai.module.js';
import { OutboundModule } from '../outbound/outbound.module.js';
import { WebhookModule } from '../webhook/webhook.module.js';
import { Answers } from './answers.js';
import { LotDescriber } from './describe/lot-describer.js';
import { ModelCalls } from './describe/model-calls.js';
import { ModelSettings } from './describe/model-settings.js';
import { GenerationController } from './generation.controller.js';
import { GenerationService } from './generation.service.js';
import { RequestIntake } from './intake/request-intake.js';
import { SpoolFolder } from './intake/spool-folder.js';
import { StraightCopies } from './intake/straight-copy.js';
import { JobCreator } from './job-creator.js';
import { AbandonedJobsCron } from './sync/abandoned-jobs.cron.js';
import { SyncLeases } from './sync/sync-leases.js';
import { SyncBudgets } from './sync/sync-budget.js';
import { SyncPipeline } from './sync/sync-pipeline.js';
import { SyncRequests } from './sync/sync-requests.js';

/** POST generate-descriptions: intake of any size, and the synchronous mode. */
@Module({
  imports: [AuthModule, ImagesModule, JobsModule, OpenAiModule, OutboundModule, WebhookModule],
  controllers: [GenerationController],
  providers: [
    Answers,
    Clock,
    LotDescriber,
    ModelCalls,
    ModelSettings,
    GenerationService,
    RequestIntake,
    SpoolFolder,
    StraightCopies,
    JobCreator,
    AbandonedJobsCron,
    SyncLeases,
    SyncBudgets,
    SyncPipeline,
    SyncRequests,
  ],
  exports: [LotDescriber, ModelSettings],
})
export class GenerationModule {}
