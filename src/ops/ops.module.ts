import { Injectable, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueOverviewReader } from '../batch/shards/queue-overview-reader.js';
import { ShardsModule } from '../batch/shards/shards.module.js';
import { ModelSettingsModule } from '../describe/model-settings.module.js';
import { JobLimits } from '../generation/job-limits.js';
import { RetryCreator } from '../generation/retry/retry-creator.js';
import { CurrentGlossariesModule } from '../glossaries/current-glossaries.module.js';
import { GlossaryMaker } from '../glossaries/glossary-maker.js';
import { JobGlossaries } from '../glossaries/job-glossaries.js';
import { WorkerReader } from '../health/worker-reader.js';
import { JobOverviewReader } from '../jobs/job-overview-reader.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { DeliveriesService } from '../webhook/deliveries.service.js';
import { OutboxModule } from '../webhook/outbox.module.js';
import { ReceiverOverviewReader } from '../webhook/receiver-overview-reader.js';
import { Acts } from './acts.js';
import { OperatorAct } from './operator-act.entity.js';
import { OperatorActStore } from './operator-act-store.js';
import { PartitionReading } from './partition-reading.js';
import { Readings } from './readings.js';
import { PART_MS, Status } from './status.js';

/** A command ends before a glossary could be made. What a retry wants is written down, and a worker makes it. */
@Injectable()
class MadeByWorkers implements Pick<GlossaryMaker, 'begin'> {
  async begin(): Promise<void> {}
}

/** The server ends a statement of a look after this many seconds. */
export const LOOK_SECONDS = 10;

/** The commands of operators. Nothing here dials anything but the database. */
@Module({
  imports: [
    CurrentGlossariesModule,
    JobsModule,
    ModelSettingsModule,
    OutboxModule,
    ShardsModule,
    TypeOrmModule.forFeature([OperatorAct]),
  ],
  providers: [
    Acts,
    DeliveriesService,
    JobGlossaries,
    JobLimits,
    JobOverviewReader,
    { provide: GlossaryMaker, useClass: MadeByWorkers },
    OperatorActStore,
    PartitionReading,
    { provide: PART_MS, useValue: (LOOK_SECONDS + 2) * 1000 },
    QueueOverviewReader,
    Readings,
    ReceiverOverviewReader,
    RetryCreator,
    Status,
    WorkerReader,
  ],
})
export class OpsModule {}
