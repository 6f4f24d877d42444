import type { DescriptionText } from '../../assessment/description.js';
import type { Words } from '../../assessment/published-text.js';
import { photoRefs } from '../../assessment/photo-refs.js';
import { missingPhotos, urlsOf, type MissingPhoto } from '../../common/missing-photo.js';
import type { LateTexts, LotTexts } from '../../describe/lot-texts.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import type { ModelLotReader } from '../../jobs/model-lot-reader.js';
import { renderedBytes } from '../../jobs/rendered-bytes.js';
import type { LineLot, LineOutcome, LineReader } from './line-outcome.js';

const NOTHING: LateTexts = { rows: [], assessment: null };

export interface TranslationLineLot extends LineLot {
  readonly lotId: string;
  readonly missing: readonly MissingPhoto[];
  readonly text: DescriptionText;
  readonly model: string;
  /** The bytes of the HTML that is stored, by language. */
  readonly stored: Readonly<Record<string, number>>;
  /** Rows that the lot lacks: of languages whose glossary came later, or that an earlier version left to the model. */
  readonly written: LateTexts;
  readonly assessmentBytes: number;
}

/**
 * Completes the lots of one job whose texts had to wait for words. A completed lot has a row for every language, with English text
 * where no words came.
 */
export class TranslationReader implements LineReader<TranslationLineLot> {
  private readonly waits: boolean;

  constructor(
    private readonly lots: ModelLotReader,
    private readonly texts: LotTexts,
    private readonly job: ShardJob,
    private readonly words: Words,
  ) {
    this.waits = job.languages.some((language) => words.for(language) === null);
  }

  async load(positions: readonly number[]): Promise<Map<number, TranslationLineLot>> {
    const withAssessment = this.job.options.include?.includes('assessment') === true;
    const rows = await this.lots.translationAnswered(this.job.id, positions, this.job.languages, withAssessment);
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
        written: NOTHING,
        assessmentBytes: assessment ?? 0,
        seenResponse,
      }),
    );
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
      const gone = new Set(urlsOf(lot.missing));
      const photos = photoRefs(images, (url) => !gone.has(url));
      const source = { strings: lot.text, model: lot.model, assessment, raw, photos };
      written.set(position, this.texts.rewrite(source, languages, this.words));
    }
    return written;
  }

  /** An earlier version asked. Its answer is not used: the texts are written as soon as there are words. */
  read(_body: unknown, lot: TranslationLineLot): LineOutcome {
    return this.waits ? { kind: 'direct' } : this.completed(lot);
  }

  /** Completes a lot with the words that are there; a language without carries English. */
  completed({
    lotId,
    missing,
    assessmentBytes,
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
        usage: this.job.options.include?.includes('usage') === true,
        stored: this.job.languages.flatMap((language) => stored[language] ?? []),
      }),
    };
  }

  giveUp(_error: LotEnd, lot: TranslationLineLot): LineOutcome {
    return this.read(null, lot);
  }
}
