import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { WorkerBeat } from './worker-beat.js';
import { Worker } from './worker.entity.js';

/** Records that this process does the background work. Only workers load it. */
@Module({
  imports: [TypeOrmModule.forFeature([Worker])],
  providers: [WorkerBeat],
})
export class WorkerBeatModule {}
