import { Module } from '@nestjs/common';
import { DescribeModule } from '../describe/describe.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { OpenAiModule } from '../openai/openai.module.js';
import { CurrentGlossariesModule } from './current-glossaries.module.js';
import { GlossaryAsker } from './glossary-asker.js';
import { GlossaryMaker } from './glossary-maker.js';
import { JobGlossaries } from './job-glossaries.js';

/** The glossaries of jobs, and the making of those that are missing: any process that wants one makes it. */
@Module({
  imports: [CurrentGlossariesModule, DescribeModule, JobsModule, OpenAiModule],
  providers: [GlossaryAsker, GlossaryMaker, JobGlossaries],
  exports: [GlossaryMaker, JobGlossaries],
})
export class GlossariesModule {}
