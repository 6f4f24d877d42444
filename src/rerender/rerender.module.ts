import { Module } from '@nestjs/common';
import { LotTexts } from '../describe/lot-texts.js';
import { ModelSettingsModule } from '../describe/model-settings.module.js';
import { CurrentGlossariesModule } from '../glossaries/current-glossaries.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { Rerender } from './rerender.service.js';

/** Only what writes texts, and not the room that asks models: nothing here may dial OpenAI or a photo's host. */
@Module({
  imports: [CurrentGlossariesModule, JobsModule, ModelSettingsModule],
  providers: [LotTexts, Rerender],
  exports: [Rerender],
})
export class RerenderModule {}
