import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DescribeModule } from '../describe/describe.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OpenAiModule } from '../openai/openai.module.js';
import { GlossaryAsker } from './glossary-asker.js';
import { GlossaryMaker } from './glossary-maker.js';
import { GlossaryMakingStore } from './glossary-making-store.js';
import { GlossaryVersionStore } from './glossary-version-store.js';
import { GlossaryMaking, GlossaryVersion } from './glossary.entities.js';
import { JobGlossaries } from './job-glossaries.js';
import { KnownGlossaries } from './known-glossaries.js';

/** The glossaries of jobs, and the making of those that are missing: any process that wants one makes it. */
@Module({
  imports: [TypeOrmModule.forFeature([GlossaryVersion, GlossaryMaking]), DescribeModule, JobsModule, OpenAiModule],
  providers: [GlossaryAsker, GlossaryMaker, GlossaryMakingStore, GlossaryVersionStore, JobGlossaries, KnownGlossaries],
  exports: [GlossaryMaker, JobGlossaries],
})
export class GlossariesModule {}
