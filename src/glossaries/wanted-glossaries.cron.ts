import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { GlossaryMaker } from './glossary-maker.js';

/** Makes what is wanted and nobody makes: its process is gone, or has no room. */
@Injectable()
export class WantedGlossariesCron {
  constructor(private readonly maker: GlossaryMaker) {}

  @Cron('*/2 * * * * *', { name: 'wanted-glossaries', waitForCompletion: true })
  async tick(): Promise<void> {
    await this.maker.begin();
  }
}
