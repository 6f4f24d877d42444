import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BatchJob } from './batch-job.entity.js';
import { EndedJobs } from './ended-jobs.js';
import { JobCountsStore } from './job-counts-store.js';
import { JobGlossaryStore } from './job-glossary-store.js';
import { JobPauseStore } from './job-pause-store.js';
import { JobReader } from './job-reader.js';
import { JobRecountStore } from './job-recount-store.js';
import { JobStore } from './job-store.js';
import { JobUsage } from './job-usage.entity.js';
import { KeyUsage, KeyUsageEntry } from './key-usage.entities.js';
import { KeyUsageStore } from './key-usage-store.js';
import { BatchLot, BatchLotInput, BatchResult } from './lot.entities.js';
import { LotEndStore } from './lot-end-store.js';
import { LotInputStore } from './lot-input-store.js';
import { LotResultReader } from './lot-result-reader.js';
import { LotRetry } from './lot-retry.entity.js';
import { ModelLotReader } from './model-lot-reader.js';
import { OrphanLotStore } from './orphan-lot-store.js';
import { PartReader } from './part-reader.js';
import { PartitionFigures } from './partition-figures.js';
import { PartitionMergeStore } from './partition-merge-store.js';
import { PartitionStore } from './partition-store.js';
import { Partitions } from './partitions.js';
import { PhotoAverage } from './photo-average.entity.js';
import { PhotoAveragesStore } from './photo-averages-store.js';
import { ReplicaReader } from './replica-reader.js';
import { RequestKey } from './request-key.entity.js';
import { RetentionStore } from './retention-store.js';
import { RequestKeyStore } from './request-key-store.js';
import { RetryStore } from './retry-store.js';
import { RevisionStore } from './revision-store.js';
import { LotStore } from './lot-store.js';
import { SpendingStore } from './spending-store.js';
import { SyncJobStore } from './sync-job-store.js';
import { SyncTakeoverStore } from './sync-takeover-store.js';
import { UnfinishedFigures } from './unfinished-figures.js';

/** All of these are exported: other rooms use every one of them. */
const STORES = [
  EndedJobs,
  JobStore,
  SyncJobStore,
  SyncTakeoverStore,
  JobGlossaryStore,
  JobPauseStore,
  JobReader,
  JobRecountStore,
  KeyUsageStore,
  LotResultReader,
  OrphanLotStore,
  PartReader,
  Partitions,
  PartitionStore,
  ReplicaReader,
  RequestKeyStore,
  LotStore,
  RetentionStore,
  LotEndStore,
  LotInputStore,
  ModelLotReader,
  RetryStore,
  RevisionStore,
  SpendingStore,
  PhotoAveragesStore,
];

/** The record of every job, its lots, their results and the requests that made them. */
@Module({
  imports: [
    TypeOrmModule.forFeature([
      BatchJob,
      BatchLot,
      BatchLotInput,
      BatchResult,
      JobUsage,
      LotRetry,
      KeyUsage,
      KeyUsageEntry,
      PhotoAverage,
      RequestKey,
    ]),
  ],
  providers: [...STORES, JobCountsStore, PartitionFigures, PartitionMergeStore, UnfinishedFigures],
  exports: STORES,
})
export class JobsModule {}
