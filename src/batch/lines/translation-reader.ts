import { stringsOf, type DescriptionText } from '../../assessment/description.js';
import { isEnglish } from '../../assessment/languages.js';
import type { TokenUsage } from '../../assessment/response-body.js';
import { parseTranslation } from '../../assessment/translation.js';
import { missingPhotos, type MissingPhoto } from '../../common/missing-photo.js';
import { englishCopy, translatedRow } from '../../describe/lot-describer.js';
import type { ModelSettings } from '../../describe/model-settings.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import type { ModelLotReader } from '../../jobs/model-lot-reader.js';
import type { NewResult } from '../../jobs/new-result.js';
import { usageJson } from '../../jobs/usage-json.js';
import { renderedBytes } from '../../jobs/rendered-bytes.js';
import type { LineLot, LineOutcome, LineReader } from './line-outcome.js';

export interface TranslationLineLot extends LineLot {
  readonly lotId: string;
  readonly missing: readonly MissingPhoto[];
  readonly text: DescriptionText;
  /** The HTML of the English row. */
  readonly html: string;
  readonly model: string;
  readonly assessmentBytes: number;
  readonly reviewBytes: number;
}

/** Reads the translations of one job. A completed lot has a row for every language, with English text if none came. */
export class TranslationReader implements LineReader<TranslationLineLot> {
  private readonly wanted: readonly string[];

  constructor(
    private readonly lots: ModelLotReader,
    private readonly settings: ModelSettings,
    private readonly job: ShardJob,
  ) {
    this.wanted = job.languages.filter((language) => !isEnglish(language));
  }

  /** All languages that need a translation, as the client sent them. */
  get languages(): readonly string[] {
    return this.wanted;
  }

  async load(positions: readonly number[]): Promise<Map<number, TranslationLineLot>> {
    const withAssessment = this.job.options.include?.includes('assessment') === true;
    const rows = await this.lots.translationAnswered(this.job.id, positions, this.wanted, withAssessment);
    return new Map(
      rows.map(
        ([
          position,
          lotId,
          status,
          attempt,
          missing,
          reasons,
          strings,
          html,
          model,
          assessment,
          review,
          seenResponse,
        ]) => [
          position,
          {
            position,
            lotId,
            status,
            attempt,
            missing: missingPhotos(missing, reasons),
            text: JSON.parse(strings) as DescriptionText,
            html,
            model: model ?? '',
            assessmentBytes: assessment ?? 0,
            reviewBytes: review ?? 0,
            seenResponse,
          },
        ],
      ),
    );
  }

  read(body: unknown, lot: TranslationLineLot, usage: TokenUsage | null): LineOutcome {
    const answer = parseTranslation(body, stringsOf(lot.text), this.wanted);
    if (answer.kind === 'refused') return this.fallback(lot);
    if (answer.kind === 'incomplete') {
      return answer.reason === 'max_output_tokens' ? { kind: 'direct' } : this.fallback(lot);
    }
    if (answer.kind !== 'translated') return { kind: 'retry' };
    const rows = new Map<string, NewResult>();
    // One call covers all languages. Its cost is written on the first row only, or it would count once for each
    // language.
    let cost = usage === null ? null : usageJson(this.settings.usageRow('translation', usage, true));
    for (const [language, translated] of answer.languages) {
      if (!translated.ok) continue;
      const row = translatedRow(lot.text, translated.strings, language, {
        model: answer.model,
        promptVersion: this.settings.translation.prompt.version,
        responseId: answer.responseId,
        usage: cost,
      });
      rows.set(language, row);
      cost = null;
    }
    return rows.size === 0 ? { kind: 'retry' } : this.described(rows, lot);
  }

  /** Completes a lot with the translations that are there, and with English for the rest. */
  described(rows: ReadonlyMap<string, NewResult>, lot: TranslationLineLot): LineOutcome & { kind: 'described' } {
    const shown = this.job.languages.map(
      (language) =>
        rows.get(language) ?? englishCopy({ strings: lot.text, model: lot.model }, language, !isEnglish(language)),
    );
    return {
      kind: 'described',
      // The English row is there already and never changes.
      results: shown.filter((row) => row.language !== 'en'),
      renderedBytes: renderedBytes(shown, {
        idLength: lot.lotId.length,
        missing: lot.missing,
        assessment: lot.assessmentBytes,
        review: lot.reviewBytes,
        usage: this.job.options.include?.includes('usage') === true,
      }),
    };
  }

  /** Completes a lot with its English text when the translation failed. */
  fallback(lot: TranslationLineLot): LineOutcome & { kind: 'described' } {
    return this.described(new Map(), lot);
  }

  giveUp(_error: LotEnd, lot: TranslationLineLot): LineOutcome {
    return this.fallback(lot);
  }
}
