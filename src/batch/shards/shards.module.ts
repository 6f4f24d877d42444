import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BatchHints } from '../../common/work-hints.js';
import { JobShardStore } from './job-shard-store.js';
import { ModelQueueStore } from './model-queue-store.js';
import { OpenAiBatch, OpenAiModel } from './openai-batch.entities.js';
import { ShardFileStore } from './shard-file-store.js';
import { ShardMoneyStore } from './shard-money-store.js';
import { ShardStore } from './shard-store.js';

const STORES = [BatchHints, JobShardStore, ModelQueueStore, ShardFileStore, ShardMoneyStore, ShardStore];

/** The rows of shards. POST generate-descriptions plans them together with the job, and the stages work on them. */
@Module({
  imports: [TypeOrmModule.forFeature([OpenAiBatch, OpenAiModel])],
  providers: STORES,
  exports: STORES,
})
export class ShardsModule {}
