import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ModelSettingsModule } from '../describe/model-settings.module.js';
import { ClientWordsStore } from './client-words-store.js';
import { CurrentGlossaries } from './current-glossaries.js';
import { GlossaryMakingStore } from './glossary-making-store.js';
import { GlossaryVersionStore } from './glossary-version-store.js';
import { ClientWordsVersion, GlossaryMaking, GlossaryVersion } from './glossary.entities.js';
import { KnownClientWords } from './known-client-words.js';
import { KnownGlossaries } from './known-glossaries.js';

/** The glossaries that there are, and clients' own words: read and kept, without asking a model. */
@Module({
  imports: [TypeOrmModule.forFeature([GlossaryVersion, GlossaryMaking, ClientWordsVersion]), ModelSettingsModule],
  providers: [
    ClientWordsStore,
    CurrentGlossaries,
    GlossaryMakingStore,
    GlossaryVersionStore,
    KnownClientWords,
    KnownGlossaries,
  ],
  exports: [CurrentGlossaries, GlossaryMakingStore, GlossaryVersionStore, KnownClientWords, KnownGlossaries],
})
export class CurrentGlossariesModule {}
