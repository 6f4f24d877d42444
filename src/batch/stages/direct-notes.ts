import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import type { Budget } from '../../describe/budget.js';
import { LotError } from '../../describe/lot-error.js';
import type { CountUsage } from '../../describe/model-calls.js';
import type { TranslatedNotes } from '../../describe/noted-rows.js';
import { NoteTranslator, TranslationError } from '../../describe/note-translator.js';
import type { CallLimits } from '../../openai/retry.js';
import type { TranslationLineLot } from '../lines/translation-reader.js';
import type { ShardClaim } from '../shards/shard-store.js';
import { UnansweredLots } from './unanswered-lots.js';

/** How one lot's notes are translated. */
export interface NoteCalls {
  readonly languages: readonly string[];
  readonly limits: CallLimits & { readonly signal: AbortSignal };
  readonly count: CountUsage;
  readonly budget: Budget | undefined;
}

/** Has the notes of lots translated through the Responses API, where a batch did not. */
@Injectable()
export class DirectNotes {
  private readonly logger = new Logger(DirectNotes.name);

  constructor(
    private readonly clock: Clock,
    private readonly translator: NoteTranslator,
    private readonly unanswered: UnansweredLots,
  ) {}

  /** Into all languages side by side; one that fails has no notes. */
  async translate(
    claim: ShardClaim,
    lot: TranslationLineLot,
    { languages, limits, count, budget }: NoteCalls,
  ): Promise<ReadonlyMap<string, TranslatedNotes>> {
    const translated = new Map<string, TranslatedNotes>();
    const [since, unanswered] = [this.clock.now(), [] as LotError[]];
    let paid = false;
    const counted: CountUsage = (usage) => {
      paid = true;
      return count(usage);
    };
    const one = async (language: string) => {
      try {
        translated.set(language, await this.translator.translate(lot.notes, language, limits, counted, budget));
      } catch (error) {
        if (error instanceof LotError) unanswered.push(error);
        else if (!(error instanceof TranslationError)) throw error;
        this.logger.warn('notes could not be translated and are left out', { job_id: claim.row.job_id, language });
      }
    };
    if (budget === undefined) {
      // All calls are awaited even if one fails: an answer that comes late is paid for too.
      const failed = (await Promise.allSettled(languages.map(one))).find((end) => end.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
    // Under a limit the calls run one after another: the first may have to wait, and none may be paid for by then.
    else for (const language of languages) await one(language);
    // If something was paid for, the lot is not asked for again because of the rest.
    if (!paid) {
      for (const error of unanswered) {
        await this.unanswered.judge(error, claim, lot.position, since, limits.signal);
      }
    }
    return translated;
  }
}
