import { Module } from '@nestjs/common';
import { ExpiredLimitsCron } from './expired-limits.cron.js';
import { LimitsModule } from './limits.module.js';

/** Only workers load it. */
@Module({ imports: [LimitsModule], providers: [ExpiredLimitsCron] })
export class ExpiredLimitsModule {}
