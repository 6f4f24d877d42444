import { Module } from '@nestjs/common';
import { ImagesModule } from '../images/images.module.js';
import { OpenAiModule } from '../openai/openai.module.js';
import { LotDescriber } from './lot-describer.js';
import { LotTexts } from './lot-texts.js';
import { ModelCalls } from './model-calls.js';
import { ModelSettingsModule } from './model-settings.module.js';
import { NoteTranslator } from './note-translator.js';

/** Describes one lot through the Responses API, and holds the models' settings; both modes use it. */
@Module({
  imports: [ImagesModule, ModelSettingsModule, OpenAiModule],
  providers: [LotDescriber, LotTexts, ModelCalls, NoteTranslator],
  exports: [LotDescriber, LotTexts, ModelCalls, ModelSettingsModule, NoteTranslator],
})
export class DescribeModule {}
