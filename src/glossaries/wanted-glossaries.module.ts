import { Module } from '@nestjs/common';
import { GlossariesModule } from './glossaries.module.js';
import { WantedGlossariesCron } from './wanted-glossaries.cron.js';

/** Finishes what other processes have begun. Only workers load it. */
@Module({ imports: [GlossariesModule], providers: [WantedGlossariesCron] })
export class WantedGlossariesModule {}
