import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { WorkerBeat } from './worker-beat.js';
import { Worker } from './worker.entity.js';

/** Says that this process does the background work. A worker's alone. */
@Module({
  imports: [TypeOrmModule.forFeature([Worker])],
  providers: [WorkerBeat],
})
export class WorkerBeatModule {}
