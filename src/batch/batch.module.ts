import { Module } from '@nestjs/common';
import { DescribeModule } from '../describe/describe.module.js';
import { GlossariesModule } from '../glossaries/glossaries.module.js';
import { ImagesModule } from '../images/images.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OpenAiModule } from '../openai/openai.module.js';
import { OutboxModule } from '../webhook/outbox.module.js';
import { CheckPhotosStage } from './stages/check-photos.stage.js';
import { ChunkWriter } from './shards/chunk-writer.js';
import { AwaitedWords } from './limits/awaited-words.js';
import { CostGuard } from './limits/cost-guard.js';
import { Deadlines } from './limits/deadlines.js';
import { DescribedLots } from './shards/described-lots.js';
import { DirectLots } from './stages/direct-lots.js';
import { DirectNotes } from './stages/direct-notes.js';
import { DirectStage } from './stages/direct.stage.js';
import { FileRemovalStage } from './stages/file-removal.stage.js';
import { JobAdvance } from './shards/job-advance.js';
import { LotEnds } from './shards/lot-ends.js';
import { OrphanedFiles } from './upkeep/orphaned-files.js';
import { OrphanedLots } from './upkeep/orphaned-lots.js';
import { OverdueJobs } from './upkeep/overdue-jobs.js';
import { PastWeeks } from './upkeep/past-weeks.js';
import { QueueTroubles } from './limits/queue-troubles.js';
import { QueueWatch } from './limits/queue-watch.js';
import { RequestFile } from './lines/request-file.js';
import { Retention } from './upkeep/retention.js';
import { ShardsModule } from './shards/shards.module.js';
import { ShardEnd } from './shards/shard-end.js';
import { StageTools } from './stages/scheduled-stage.js';
import { SubmitStage } from './stages/submit.stage.js';
import { TakeInStage } from './stages/take-in.stage.js';
import { TokenLedger } from './limits/token-ledger.js';
import { UnansweredLots } from './stages/unanswered-lots.js';
import { EarlierBatches } from './shards/earlier-batches.js';
import { UncertainSubmissions } from './shards/uncertain-submissions.js';
import { UpkeepCron } from './upkeep/upkeep.cron.js';
import { WatchStage } from './stages/watch.stage.js';

const STAGES = [CheckPhotosStage, SubmitStage, WatchStage, TakeInStage, DirectStage, FileRemovalStage];

/** The stages of a batch, each with its own cron, and the upkeep. Only workers load it. */
@Module({
  imports: [DescribeModule, GlossariesModule, ImagesModule, JobsModule, OpenAiModule, ShardsModule, OutboxModule],
  providers: [
    AwaitedWords,
    ChunkWriter,
    CostGuard,
    Deadlines,
    DescribedLots,
    DirectLots,
    DirectNotes,
    JobAdvance,
    LotEnds,
    OrphanedFiles,
    OrphanedLots,
    OverdueJobs,
    PastWeeks,
    QueueTroubles,
    QueueWatch,
    RequestFile,
    Retention,
    ShardEnd,
    StageTools,
    TokenLedger,
    UnansweredLots,
    EarlierBatches,
    UncertainSubmissions,
    UpkeepCron,
    ...STAGES,
  ],
  exports: STAGES,
})
export class BatchModule {}
