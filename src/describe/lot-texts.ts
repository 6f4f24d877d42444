import { Injectable, Logger } from '@nestjs/common';
import type { Assessment, GlossaryStanding } from '../assessment/assessment.js';
import type { Refusal } from '../assessment/audit/audit.js';
import { notesIn, type DescriptionText } from '../assessment/description.js';
import { renderHtml } from '../assessment/html.js';
import { isEnglish } from '../assessment/languages.js';
import { needsReviewOf } from '../assessment/lot-review.js';
import {
  publishedStatements,
  publishedText,
  untranslated,
  type ToPublish,
  type Words,
} from '../assessment/published-text.js';
import { assessmentOf, type StoredAssessment } from '../assessment/stored-assessment.js';
import type { KnownGlossary } from '../assessment/text/glossary-file.js';
import type { VisionAnswer } from '../assessment/vision-answer.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import type { NewResult } from '../jobs/new-result.js';
import type { StoredSource } from '../jobs/sync-job.js';
import { usageJson } from '../jobs/usage-json.js';
import { LotError } from './lot-error.js';
import { ModelSettings } from './model-settings.js';
import { countRejectedLot, countRejectedText } from './text-metrics.js';

/** A vision answer that fits its schema. */
export type AssessedAnswer = VisionAnswer & { readonly kind: 'assessed' };

/** The English row of a lot as it is stored, from which its other texts are written. */
export interface AnsweredSource extends StoredSource, StoredAssessment {}

/** The error of a lot whose English text the auditor refused in both forms. The model is not asked again. */
export const TEXT_REJECTED = [
  'TEXT_REJECTED',
  'The text of this lot does not say exactly what was found, so it is not published.',
] as const;

/** What became of an assessed lot. */
export type WrittenTexts =
  | {
      readonly kind: 'written';
      readonly english: NewResult;
      /** The rows of the other languages that were asked for and have words, as far as they wait for no notes. */
      readonly others: readonly NewResult[];
      /** Whether the lot has notes that are to be translated: the languages are written once, with what has passed. */
      readonly waitsForNotes: boolean;
    }
  /** There is no text that could be published. The row keeps the answer, and holds none. */
  | { readonly kind: 'rejected'; readonly row: NewResult };

/** Texts that are written after the lot was described. */
export interface LateTexts {
  readonly rows: readonly NewResult[];
  /** The English row's assessment with the glossaries of these texts; null where it stays as it is. */
  readonly assessment: Assessment | null;
}

interface ReadBack {
  readonly text: DescriptionText;
  readonly standing: GlossaryStanding;
}

/** Writes the texts of lots in all languages that have words. Every text is read back before it is stored. */
@Injectable()
export class LotTexts {
  private readonly logger = new Logger(LotTexts.name);

  constructor(private readonly settings: ModelSettings) {}

  /**
   * The rows of an assessed lot. A language whose text is refused carries the English one.
   * @param languages - as the client sent them; those without words are left out
   * @param words - of the lot's job
   * @param batch - whether the answer cost what a batch's answers cost
   */
  write(answer: AssessedAnswer, languages: readonly string[], words: Words, batch: boolean): WrittenTexts {
    const { assessment } = answer;
    const published = this.publishedOf(assessment);
    const english = published === null ? null : this.readBack(published, words.english);
    if (published === null || english === null) {
      countRejectedLot();
      return { kind: 'rejected', row: this.sourceRow(answer, { blocks: [] }, {}, batch) };
    }
    const glossary: Record<string, GlossaryStanding> = {};
    if (languages.includes('en')) glossary['en'] = english.standing;
    const model = answer.model ?? this.settings.vision.model;
    const noted = notesIn(english.text).length > 0;
    const others: NewResult[] = [];
    for (const language of languages) {
      const known = language === 'en' || (noted && !isEnglish(language)) ? null : words.for(language);
      if (known === null) continue;
      const written = this.readBack(published, known);
      if (written !== null) glossary[language] = written.standing;
      others.push(textRow(written?.text ?? english.text, language, written === null, model));
    }
    const waitsForNotes = noted && languages.some((language) => !isEnglish(language));
    return { kind: 'written', english: this.sourceRow(answer, english.text, glossary, batch), others, waitsForNotes };
  }

  /**
   * The rows of a described lot's other languages: those whose glossary came later, those that waited for notes (without them, see
   * `notedRows`), and those that an earlier version left to the translation model. No model is asked for them.
   * @param languages - one without words carries the English text
   */
  rewrite(source: AnsweredSource, languages: readonly string[], words: Words): LateTexts {
    const assessment = this.guarded('en', () => assessmentOf(source));
    const published = assessment === null ? null : this.publishedOf(assessment);
    const glossary: Record<string, GlossaryStanding> = {};
    const rows = languages.map((language) => {
      const known = words.for(language);
      const written = published === null || known === null ? null : this.readBack(published, known);
      if (written !== null) glossary[language] = written.standing;
      const text = written?.text ?? (source.strings as DescriptionText);
      return textRow(text, language, written === null, source.model);
    });
    // An assessment that an earlier version stored does not name glossaries, and is shown as it is.
    const { glossary: before } = (source.assessment ?? {}) as Partial<Assessment>;
    if (before === undefined || Object.keys(glossary).length === 0) return { rows, assessment: null };
    return { rows, assessment: { ...(source.assessment as Assessment), glossary: { ...before, ...glossary } } };
  }

  private publishedOf(assessment: Assessment): ToPublish | null {
    return this.guarded('en', () => {
      const published = publishedStatements(assessment);
      if ('statements' in published) return published;
      this.tell('en', published.refused);
      return null;
    });
  }

  /** In English with its notes, in other languages with their places. */
  private readBack({ statements, notes }: ToPublish, known: KnownGlossary): ReadBack | null {
    const { version, state, glossary } = known;
    return this.guarded(glossary.tag, () => {
      const published = publishedText(statements, known, isEnglish(glossary.tag) ? notes : untranslated(notes));
      if ('text' in published) return { text: published.text, standing: { version, state } };
      this.tell(glossary.tag, published.refused);
      return null;
    });
  }

  /** If our own code fails on a text, that text alone is missing: an answer that was paid for is not asked for again. */
  private guarded<T>(language: string, write: () => T): T | null {
    try {
      return write();
    } catch (error) {
      countRejectedText(language, 'failed');
      this.logger.error('a text cannot be written', { language, reason: error instanceof Error ? error.stack : '' });
      return null;
    }
  }

  private tell(language: string, refusal: Refusal): void {
    countRejectedText(language, refusal.reason);
    this.logger.warn('a text was refused', { language, ...refusal });
  }

  private sourceRow(
    answer: AssessedAnswer,
    text: DescriptionText,
    glossary: Assessment['glossary'],
    batch: boolean,
  ): NewResult {
    const assessment: Assessment = { ...answer.assessment, glossary };
    return {
      ...textRow(text, 'en', false, answer.model ?? this.settings.vision.model),
      assessment,
      needsReview: needsReviewOf(assessment),
      raw: answer.raw,
      promptVersion: this.settings.vision.prompt.version,
      schemaVersion: assessment.schema_version,
      responseId: answer.responseId,
      usage: usageJson(this.settings.usageRow('vision', answer.usage, batch)),
    };
  }
}

/** @throws LotError TEXT_REJECTED, which keeps the row, where no text could be published */
export function textsOrError(
  texts: WrittenTexts,
  missingImages: readonly MissingPhoto[] = [],
): WrittenTexts & { readonly kind: 'written' } {
  if (texts.kind === 'written') return texts;
  throw new LotError(...TEXT_REJECTED, { row: texts.row, missingImages });
}

/** The row of a text; it has no cost of its own. */
export function textRow(text: DescriptionText, language: string, fallback: boolean, model: string): NewResult {
  return {
    language,
    html: renderHtml(text),
    strings: text,
    fallback,
    model,
    promptVersion: null,
    schemaVersion: null,
    responseId: null,
    usage: null,
  };
}
