import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BatchHints } from '../../common/work-hints.js';
import { JobsModule } from '../../jobs/jobs.module.js';
import { OutboxModule } from '../../webhook/outbox.module.js';
import { JobPauses } from './job-pauses.js';
import { JobShardStore } from './job-shard-store.js';
import { ModelQueueStore } from './model-queue-store.js';
import { OpenAiBatch, OpenAiModel } from './openai-batch.entities.js';
import { ShardFileStore } from './shard-file-store.js';
import { ShardMoneyStore } from './shard-money-store.js';
import { ShardStore } from './shard-store.js';

const STORES = [BatchHints, JobPauses, JobShardStore, ModelQueueStore, ShardFileStore, ShardMoneyStore, ShardStore];

/**
 * The rows of shards, and the pauses of their jobs. POST generate-descriptions plans shards together with the job, and the
 * stages work on them.
 */
@Module({
  imports: [TypeOrmModule.forFeature([OpenAiBatch, OpenAiModel]), JobsModule, OutboxModule],
  providers: STORES,
  exports: STORES,
})
export class ShardsModule {}
