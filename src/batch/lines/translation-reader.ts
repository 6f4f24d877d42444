import { stringsOf, type DescriptionText } from '../../assessment/description.js';
import { photoRefs } from '../../assessment/photo-refs.js';
import type { TokenUsage } from '../../assessment/response-body.js';
import { parseTranslation } from '../../assessment/translation.js';
import { missingPhotos, urlsOf, type MissingPhoto } from '../../common/missing-photo.js';
import { englishCopy, translatedRow } from '../../describe/lot-describer.js';
import type { LotTexts } from '../../describe/lot-texts.js';
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
  readonly model: string;
  /** The bytes of the HTML that is stored, by language. */
  readonly stored: Readonly<Record<string, number>>;
  /** Rows that a lot described by an earlier version lacks: those of languages that have words. */
  readonly written: readonly NewResult[];
  readonly assessmentBytes: number;
}

/**
 * Reads the translations of one job, into the languages that have no words. A completed lot has a row for every language, with
 * English text if no translation came.
 */
export class TranslationReader implements LineReader<TranslationLineLot> {
  private readonly wanted: readonly string[];

  constructor(
    private readonly lots: ModelLotReader,
    private readonly settings: ModelSettings,
    private readonly texts: LotTexts,
    private readonly job: ShardJob,
  ) {
    this.wanted = settings.toTranslate(job.languages);
  }

  /** All languages that need a translation, as the client sent them. */
  get languages(): readonly string[] {
    return this.wanted;
  }

  async load(positions: readonly number[]): Promise<Map<number, TranslationLineLot>> {
    const withAssessment = this.job.options.include?.includes('assessment') === true;
    const rows = await this.lots.translationAnswered(this.job.id, positions, this.wanted, withAssessment);
    const lots = rows.map(
      ([
        position,
        lotId,
        status,
        attempt,
        missing,
        reasons,
        strings,
        model,
        assessment,
        stored,
        seenResponse,
      ]): TranslationLineLot => ({
        position,
        lotId,
        status,
        attempt,
        missing: missingPhotos(missing, reasons),
        text: JSON.parse(strings) as DescriptionText,
        model: model ?? '',
        stored,
        written: [],
        assessmentBytes: assessment ?? 0,
        seenResponse,
      }),
    );
    const written = await this.lackingRows(lots);
    return new Map(lots.map((lot) => [lot.position, { ...lot, written: written.get(lot.position) ?? [] }]));
  }

  /** The rows of languages that have words and no row. Only lots that an earlier version has described lack any. */
  private async lackingRows(lots: readonly TranslationLineLot[]): Promise<Map<number, readonly NewResult[]>> {
    const worded = this.job.languages.filter((language) => !this.wanted.includes(language));
    const lacking = new Map(
      lots
        .map((lot) => ({ lot, languages: worded.filter((language) => !Object.hasOwn(lot.stored, language)) }))
        .filter(({ languages }) => languages.length > 0)
        .map((one) => [one.lot.position, one]),
    );
    if (lacking.size === 0) return new Map();
    const sources = await this.lots.describedSources(this.job.id, [...lacking.keys()]);
    return new Map(
      sources.map(([position, assessment, raw, images]) => {
        const { lot, languages } = lacking.get(position) as { lot: TranslationLineLot; languages: string[] };
        const gone = new Set(urlsOf(lot.missing));
        const photos = photoRefs(images, (url) => !gone.has(url));
        const source = { strings: lot.text, model: lot.model, assessment, raw, photos };
        return [position, this.texts.rewrite(source, languages)];
      }),
    );
  }

  read(body: unknown, lot: TranslationLineLot, usage: TokenUsage | null): LineOutcome {
    // An earlier version asked; by now all languages have words.
    if (this.wanted.length === 0) return this.fallback(lot);
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
    const results = [
      ...lot.written,
      ...this.wanted.map(
        (language) => rows.get(language) ?? englishCopy({ strings: lot.text, model: lot.model }, language),
      ),
    ];
    return {
      kind: 'described',
      results,
      renderedBytes: renderedBytes(results, {
        idLength: lot.lotId.length,
        missing: lot.missing,
        assessment: lot.assessmentBytes,
        usage: this.job.options.include?.includes('usage') === true,
        stored: this.job.languages.flatMap((language) => lot.stored[language] ?? []),
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
