import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { LotTexts } from '../../describe/lot-texts.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { JobGlossaries } from '../../glossaries/job-glossaries.js';
import { ModelLotReader } from '../../jobs/model-lot-reader.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { ShardStore, type ShardClaim } from './shard-store.js';
import { DescribedLots, type LotOutcome } from './described-lots.js';
import { JobAdvance } from './job-advance.js';
import { ResultRows } from '../../jobs/result-rows.js';
import { TranslationReader } from '../lines/translation-reader.js';
import { INTERNAL_ERROR } from '../lines/unforeseen.js';

/** Ends lots on which the service itself cannot go on. */
@Injectable()
export class LotEnds {
  constructor(
    private readonly clock: Clock,
    private readonly settings: ModelSettings,
    private readonly texts: LotTexts,
    private readonly glossaries: JobGlossaries,
    private readonly modelLots: ModelLotReader,
    private readonly described: DescribedLots,
    private readonly shards: ShardStore,
    private readonly advance: JobAdvance,
  ) {}

  /**
   * Lots without a description fail; lots that have one complete.
   * @param texts - the texts that described ones still lack: in the words of their languages where there are some, or all in English
   */
  async end(
    claim: ShardClaim,
    job: ShardJob,
    positions: readonly number[],
    texts: 'in_words' | 'in_english' = 'in_english',
  ): Promise<void> {
    const { attempt, stage } = claim.row;
    const rows = new ResultRows(job.id, this.clock.date().toISOString());
    const outcomes: LotOutcome[] = [];
    if (stage === 'vision') {
      for (const position of positions) {
        const lot = { position, error: INTERNAL_ERROR, missingImages: [] };
        outcomes.push({ position, attempt, outcome: { kind: 'failed', lot } });
      }
    } else {
      const words = await this.glossaries.wordsOf(job.id);
      const used = texts === 'in_words' ? words : { english: words.english, for: () => null };
      const reader = new TranslationReader(this.modelLots, this.settings, this.texts, job, used);
      for (const lot of (await reader.load(positions)).values()) {
        const { results, renderedBytes, ...late } = reader.completed(lot);
        const { position } = lot;
        const done = { position, status: 'completed', attempt: lot.attempt, renderedBytes, missing: null } as const;
        outcomes.push({
          position,
          attempt,
          outcome: { ...late, kind: 'described', rows: rows.add(position, results), lot: done },
        });
      }
    }
    await this.advance.commit(job.id, async (tx) => {
      const moves = await this.described.write(tx, job.id, stage, outcomes, rows);
      await this.shards.fence(tx, claim);
      return moves;
    });
  }
}
