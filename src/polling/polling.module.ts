import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { shardDetailsSql } from '../batch/shards/job-shard-store.js';
import { ShardsModule } from '../batch/shards/shards.module.js';
import { Database } from '../database/database.service.js';
import { HealthModule } from '../health/health.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { deliveryCountsSql } from '../webhook/delivery-store.js';
import { OutboxModule } from '../webhook/outbox.module.js';
import { WebhookApiModule } from '../webhook/webhook-api.module.js';
import { CancelController } from './cancel.controller.js';
import { CancelService } from './cancel.service.js';
import { CompletionEstimates } from './completion-estimates.js';
import { EventsController } from './events.controller.js';
import { EventsResponder } from './events.responder.js';
import { EventsService } from './events.service.js';
import { JobStatusStore } from '../jobs/job-status-store.js';
import { JobWatcher } from './job-watcher.js';
import { LegacyController } from './legacy.controller.js';
import { LegacyReadsGuard } from './legacy-reads.guard.js';
import { LegacyResponder } from './legacy.responder.js';
import { ListController } from './list.controller.js';
import { ListService } from './list.service.js';
import { PauseController } from './pause.controller.js';
import { PauseService } from './pause.service.js';
import { ResultsController } from './results.controller.js';
import { ResultsResponder } from './results.responder.js';
import { ResultsService } from './results.service.js';
import { StatusController } from './status.controller.js';
import { StatusResponder } from './status.responder.js';
import { StatusService } from './status.service.js';
import { UsageController } from './usage.controller.js';
import { UsageService } from './usage.service.js';

/** Following a job: status, results, download, list, cancel, pause, events; and what a key has used. */
@Module({
  imports: [AuthModule, HealthModule, JobsModule, OutboxModule, ShardsModule, WebhookApiModule],
  controllers: [
    StatusController,
    ResultsController,
    ListController,
    CancelController,
    PauseController,
    EventsController,
    LegacyController,
    UsageController,
  ],
  providers: [
    CancelService,
    CompletionEstimates,
    EventsResponder,
    EventsService,
    {
      provide: JobStatusStore,
      inject: [Database],
      useFactory: (database: Database) =>
        new JobStatusStore(database, { batches: shardDetailsSql, deliveries: deliveryCountsSql }),
    },
    JobWatcher,
    LegacyReadsGuard,
    LegacyResponder,
    ListService,
    PauseService,
    ResultsResponder,
    ResultsService,
    StatusResponder,
    StatusService,
    UsageService,
  ],
})
export class PollingModule {}
