import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { LimitStore } from './limit-store.js';
import { EventStreamPlace, RateLimitCount } from './limits.entities.js';

/** What counts across processes: its tables, for the api that counts and the worker that removes what is old. */
@Module({
  imports: [TypeOrmModule.forFeature([RateLimitCount, EventStreamPlace])],
  providers: [LimitStore],
  exports: [LimitStore],
})
export class LimitsModule {}
