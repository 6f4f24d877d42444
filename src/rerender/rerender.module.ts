import { Module } from '@nestjs/common';
import { LotTexts } from '../describe/lot-texts.js';
import { ModelSettings } from '../describe/model-settings.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { Rerender } from './rerender.service.js';

/** Only what writes texts, and not the room that asks models: nothing here may dial OpenAI or a photo's host. */
@Module({
  imports: [JobsModule],
  providers: [LotTexts, ModelSettings, Rerender],
  exports: [Rerender],
})
export class RerenderModule {}
