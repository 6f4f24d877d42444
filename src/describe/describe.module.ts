import { Module } from '@nestjs/common';
import { ImagesModule } from '../images/images.module.js';
import { OpenAiModule } from '../openai/openai.module.js';
import { LotDescriber } from './lot-describer.js';
import { LotTexts } from './lot-texts.js';
import { ModelCalls } from './model-calls.js';
import { ModelSettings } from './model-settings.js';
import { NoteTranslator } from './note-translator.js';

/** Describes one lot through the Responses API, and holds the models' settings; both modes use it. */
@Module({
  imports: [ImagesModule, OpenAiModule],
  providers: [LotDescriber, LotTexts, ModelCalls, ModelSettings, NoteTranslator],
  exports: [LotDescriber, LotTexts, ModelCalls, ModelSettings, NoteTranslator],
})
export class DescribeModule {}
