import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BatchHints } from '../../common/work-hints.js';
import { OpenAiBatch, OpenAiModel } from './openai-batch.entities.js';
import { ShardFileStore } from './shard-file-store.js';
import { ShardStore } from './shard-store.js';

const STORES = [BatchHints, ShardStore, ShardFileStore];

/** The rows of a batch's shards. The HTTP door plans them with the job, the stages work on them. */
@Module({
  imports: [TypeOrmModule.forFeature([OpenAiBatch, OpenAiModel])],
  providers: STORES,
  exports: STORES,
})
export class ShardsModule {}
