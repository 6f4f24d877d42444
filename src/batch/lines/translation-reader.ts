import { notesIn, type DescriptionText, type NoteInText } from '../../assessment/description.js';
import { isEnglish } from '../../assessment/languages.js';
import type { Recogniser } from '../../assessment/notes/recogniser.js';
import { recogniser } from '../../describe/recogniser.js';
import type { Words } from '../../assessment/published-text.js';
import { photosLeft } from '../../assessment/photo-refs.js';
import type { TokenUsage } from '../../assessment/response-body.js';
import { parseTranslation } from '../../assessment/translation.js';
import { missingPhotos, type MissingPhoto } from '../../common/missing-photo.js';
import type { LateTexts, LotTexts } from '../../describe/lot-texts.js';
import type { ModelSettings } from '../../describe/model-settings.js';
import { notedRows, type TranslatedNotes } from '../../describe/noted-rows.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import type { ModelLotReader } from '../../jobs/model-lot-reader.js';
import { renderedBytes } from '../../jobs/rendered-bytes.js';
import { usageJson } from '../../jobs/usage-json.js';
import type { LineLot, LineOutcome, LineReader } from './line-outcome.js';

const NOTHING: LateTexts = { rows: [], assessment: null };

export interface TranslationLineLot extends LineLot {
  readonly lotId: string;
  readonly missing: readonly MissingPhoto[];
  readonly text: DescriptionText;
  /** The English notes that are to be translated; none where the job has not asked for any. */
  readonly notes: readonly NoteInText[];
  readonly model: string;
  /** The bytes of the HTML that is stored, by language. */
  readonly stored: Readonly<Record<string, number>>;
  /** Rows that the lot lacks: of languages whose glossary came later, or that an earlier version left to the model. */
  readonly written: LateTexts;
  readonly assessmentBytes: number;
  readonly reviewBytes: number;
}

/**
 * Completes the lots of one job whose texts had to wait: for the translations of notes, or for words. A completed lot has a row for
 * every language, with English text where no words came, and without the notes that have no translation.
 */
export class TranslationReader implements LineReader<TranslationLineLot> {
  private readonly waits: boolean;
  /** The languages that notes are translated into; empty where the job has not asked for any. */
  readonly languages: readonly string[];
  /** Loaded with the first lots that have notes. */
  private recogniser: Recogniser | null = null;

  constructor(
    private readonly lots: ModelLotReader,
    private readonly settings: ModelSettings,
    private readonly texts: LotTexts,
    private readonly job: ShardJob,
    private readonly words: Words,
  ) {
    this.waits = job.languages.some((language) => words.for(language) === null);
    this.languages = settings.forJob(job.options).toTranslate(job.languages);
  }

  async load(positions: readonly number[]): Promise<Map<number, TranslationLineLot>> {
    const withAssessment = this.job.options.include?.includes('assessment') === true;
    const others = this.job.languages.filter((language) => !isEnglish(language));
    const rows = await this.lots.translationAnswered(this.job.id, positions, others, withAssessment);
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
        review,
        stored,
        seenResponse,
      ]): TranslationLineLot => {
        const text = JSON.parse(strings) as DescriptionText;
        return {
          position,
          lotId,
          status,
          attempt,
          missing: missingPhotos(missing, reasons),
          text,
          notes: this.languages.length === 0 ? [] : notesIn(text),
          model: model ?? '',
          stored,
          written: NOTHING,
          assessmentBytes: assessment ?? 0,
          reviewBytes: review ?? 0,
          seenResponse,
        };
      },
    );
    if (lots.some(({ notes }) => notes.length > 0)) this.recogniser = await recogniser();
    const written = await this.lackingRows(lots);
    return new Map(lots.map((lot) => [lot.position, { ...lot, written: written.get(lot.position) ?? NOTHING }]));
  }

  /** The rows of languages that have none, written from what is stored. A language without words gets the English text. */
  private async lackingRows(lots: readonly TranslationLineLot[]): Promise<Map<number, LateTexts>> {
    const lacking = new Map(
      lots
        .map((lot) => ({
          lot,
          languages: this.job.languages.filter((language) => !Object.hasOwn(lot.stored, language)),
        }))
        .filter(({ languages }) => languages.length > 0)
        .map((one) => [one.lot.position, one]),
    );
    if (lacking.size === 0) return new Map();
    const sources = await this.lots.describedSources(this.job.id, [...lacking.keys()]);
    const written = new Map<number, LateTexts>();
    for (const [position, assessment, raw, images] of sources) {
      // Other work gets its turn: a lot in ten languages takes some milliseconds.
      await new Promise(setImmediate);
      const { lot, languages } = lacking.get(position) as { lot: TranslationLineLot; languages: string[] };
      const photos = photosLeft(images, lot.missing);
      const source = { strings: lot.text, model: lot.model, assessment, raw, photos };
      written.set(position, this.texts.rewrite(source, languages, this.words));
    }
    return written;
  }

  read(body: unknown, lot: TranslationLineLot, usage: TokenUsage | null): LineOutcome {
    if (lot.notes.length === 0) return this.left(lot);
    const answer = parseTranslation(body, lot.notes.length, this.languages);
    if (answer.kind === 'refused') return this.completed(lot);
    if (answer.kind === 'incomplete') {
      return answer.reason === 'max_output_tokens' ? { kind: 'direct' } : this.completed(lot);
    }
    if (answer.kind !== 'translated' || answer.languages.size === 0) return { kind: 'retry' };
    const { model, responseId, languages } = answer;
    const promptVersion = this.settings.translation.prompt.version;
    // One call covers all languages. Its cost is written on the first row only, or it would count once for each language.
    let cost = usage === null ? null : usageJson(this.settings.usageRow('translation', usage, true));
    const translated = new Map<string, TranslatedNotes>();
    for (const [language, strings] of languages) {
      translated.set(language, { strings, model, promptVersion, responseId, usage: cost });
      cost = null;
    }
    return this.noted(lot, translated);
  }

  /** Completes a lot with the notes that pass. */
  noted(
    lot: TranslationLineLot,
    translated: ReadonlyMap<string, TranslatedNotes>,
  ): LineOutcome & { kind: 'described' } {
    const { notes, written } = lot;
    if (this.recogniser === null) return this.completed(lot);
    const rows = notedRows(written.rows, notes, translated, this.words, this.recogniser);
    return this.completed({ ...lot, written: { ...written, rows } });
  }

  /** No notes were asked about: an earlier version asked, whose answer is not used. The texts are written as soon as there are words. */
  private left(lot: TranslationLineLot): LineOutcome {
    return this.waits ? { kind: 'direct' } : this.completed(lot);
  }

  /** Completes a lot with the words that are there; a language without carries English. */
  completed({
    lotId,
    missing,
    assessmentBytes,
    reviewBytes,
    stored,
    written,
  }: TranslationLineLot): LineOutcome & { kind: 'described' } {
    return {
      kind: 'described',
      results: written.rows,
      ...(written.assessment === null ? {} : { assessment: written.assessment }),
      renderedBytes: renderedBytes(written.rows, {
        idLength: lotId.length,
        missing,
        assessment: assessmentBytes,
        review: reviewBytes,
        usage: this.job.options.include?.includes('usage') === true,
        stored: this.job.languages.flatMap((language) => stored[language] ?? []),
      }),
    };
  }

  giveUp(_error: LotEnd, lot: TranslationLineLot): LineOutcome {
    return lot.notes.length === 0 ? this.left(lot) : this.completed(lot);
  }
}
