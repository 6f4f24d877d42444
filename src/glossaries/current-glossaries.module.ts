import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ModelSettingsModule } from '../describe/model-settings.module.js';
import { CurrentGlossaries } from './current-glossaries.js';
import { GlossaryMakingStore } from './glossary-making-store.js';
import { GlossaryVersionStore } from './glossary-version-store.js';
import { GlossaryMaking, GlossaryVersion } from './glossary.entities.js';
import { KnownGlossaries } from './known-glossaries.js';

/** The glossaries that there are: read and kept, without asking a model. */
@Module({
  imports: [TypeOrmModule.forFeature([GlossaryVersion, GlossaryMaking]), ModelSettingsModule],
  providers: [CurrentGlossaries, GlossaryMakingStore, GlossaryVersionStore, KnownGlossaries],
  exports: [CurrentGlossaries, GlossaryMakingStore, GlossaryVersionStore, KnownGlossaries],
})
export class CurrentGlossariesModule {}
