import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { GenerationModule } from '../generation/generation.module.js';
import { ImagesModule } from '../images/images.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OpenAiModule } from '../openai/openai.module.js';
import { WebhookModule } from '../webhook/webhook.module.js';
import {
  CheckPhotosCron,
  DirectCron,
  FileRemovalCron,
  StageRunner,
  SubmitCron,
  TakeInCron,
  WatchCron,
} from './batch.crons.js';
import { CheckPhotosStage } from './check-photos.stage.js';
import { ChunkWriter } from './chunk-writer.js';
import { CostGuard } from './cost-guard.js';
import { Deadlines } from './deadlines.js';
import { DescribedLots } from './described-lots.js';
import { DirectLots } from './direct-lots.js';
import { DirectStage } from './direct.stage.js';
import { FileRemovalStage } from './file-removal.stage.js';
import { JobAdvance } from './job-advance.js';
import { LotEnds } from './lot-ends.js';
import { OrphanedFiles } from './orphaned-files.js';
import { OverdueJobs } from './overdue-jobs.js';
import { QueueTroubles } from './queue-troubles.js';
import { QueueWatch } from './queue-watch.js';
import { Reconcile } from './reconcile.js';
import { RequestFile } from './request-file.js';
import { Retention } from './retention.js';
import { ShardEnd } from './shard-end.js';
import { SubmitStage } from './submit.stage.js';
import { TakeInStage } from './take-in.stage.js';
import { TokenLedger } from './token-ledger.js';
import { UnansweredLots } from './unanswered-lots.js';
import { UpkeepCron } from './upkeep.cron.js';
import { WatchStage } from './watch.stage.js';

const STAGES = [CheckPhotosStage, SubmitStage, WatchStage, TakeInStage, DirectStage, FileRemovalStage];
const CRONS = [CheckPhotosCron, SubmitCron, WatchCron, TakeInCron, DirectCron, FileRemovalCron, UpkeepCron];

/** The stages of a batch, each on its own clock. */
@Module({
  imports: [GenerationModule, ImagesModule, JobsModule, OpenAiModule, WebhookModule],
  providers: [
    ChunkWriter,
    Clock,
    CostGuard,
    Deadlines,
    DescribedLots,
    DirectLots,
    JobAdvance,
    LotEnds,
    OrphanedFiles,
    OverdueJobs,
    QueueTroubles,
    QueueWatch,
    Reconcile,
    RequestFile,
    Retention,
    ShardEnd,
    StageRunner,
    TokenLedger,
    UnansweredLots,
    ...STAGES,
    ...CRONS,
  ],
  exports: STAGES,
})
export class BatchModule {}
