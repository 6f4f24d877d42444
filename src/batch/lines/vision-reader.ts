import type { Words } from '../../assessment/published-text.js';
import type { Recogniser } from '../../assessment/notes/recogniser.js';
import { recogniser } from '../../describe/recogniser.js';
import { photosLeft } from '../../assessment/photo-refs.js';
import { parseVisionAnswer } from '../../assessment/vision-answer.js';
import { missingPhotos, type MissingPhoto } from '../../common/missing-photo.js';
import type { ResponseFailure } from '../../assessment/response-body.js';
import { answerError } from '../../describe/call-errors.js';
import { TEXT_REJECTED, type AssessedAnswer, type LotTexts } from '../../describe/lot-texts.js';
import { LotError } from '../../describe/lot-error.js';
import type { ModelSettings } from '../../describe/model-settings.js';
import { asksForNotes } from '../../jobs/batch-job.entity.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import type { ModelLotReader } from '../../jobs/model-lot-reader.js';
import { isFirstTry } from '../shards/tries.js';
import { jsonBytes, renderedBytes } from '../../jobs/rendered-bytes.js';
import type { LineLot, LineOutcome, LineReader } from './line-outcome.js';

export interface VisionLineLot extends LineLot {
  readonly lotId: string;
  readonly images: readonly string[];
  readonly missing: readonly MissingPhoto[];
}

/** Reads the vision answers of one job into the rows of all languages that have words, and of English. */
export class VisionReader implements LineReader<VisionLineLot> {
  /** Whether some language has no words yet, so that its text waits for them. */
  private readonly waits: boolean;
  /** Where the job has asked for notes; loaded with the first lots. */
  private recogniser: Recogniser | null = null;

  constructor(
    private readonly lots: ModelLotReader,
    private readonly settings: ModelSettings,
    private readonly texts: LotTexts,
    private readonly job: ShardJob,
    private readonly words: Words,
  ) {
    this.waits = job.languages.some((language) => words.for(language) === null);
  }

  async load(positions: readonly number[]): Promise<Map<number, VisionLineLot>> {
    if (asksForNotes(this.job.options)) this.recogniser = await recogniser();
    const rows = await this.lots.visionAnswered(this.job.id, positions);
    return new Map(
      rows.map(([position, lotId, status, attempt, missing, reasons, images, seenResponse]) => [
        position,
        {
          position,
          lotId,
          status,
          attempt,
          images: JSON.parse(images) as string[],
          missing: missingPhotos(missing, reasons),
          seenResponse,
        },
      ]),
    );
  }

  read(body: unknown, lot: VisionLineLot): LineOutcome {
    const answer = parseVisionAnswer(
      body,
      photosLeft(lot.images, lot.missing),
      this.settings.vision.prompt.version,
      this.recogniser,
    );
    switch (answer.kind) {
      case 'assessed':
        // Once: a lot that was tried before is taken as it is, so that no answer is asked for without end.
        if (answer.again !== null && isFirstTry(lot.attempt) && lot.status === 'processing') return { kind: 'retry' };
        return this.described(answer, lot, true);
      case 'refused':
        return { kind: 'failed', error: stored(answer) };
      case 'incomplete':
        // Reasoning used up the room for the answer: the Responses API is asked with twice as much.
        if (answer.reason === 'max_output_tokens') return { kind: 'direct' };
        return { kind: 'failed', error: stored(answer) };
      case 'failed':
      case 'invalid':
        return { kind: 'retry' };
    }
  }

  /**
   * What becomes of an assessed lot; used for lots that were asked for directly too.
   * @param batch - whether the answer cost what a batch's answers cost
   */
  described(
    answer: AssessedAnswer,
    lot: Pick<VisionLineLot, 'lotId' | 'missing'>,
    batch: boolean,
  ): LineOutcome & { kind: 'described' | 'failed' } {
    const { languages, options } = this.job;
    const texts = this.texts.write(answer, languages, this.words, batch);
    if (texts.kind === 'rejected') {
      return { kind: 'failed', error: new LotError(...TEXT_REJECTED).toStored(), row: texts.row };
    }
    const { english, others, waitsForNotes } = texts;
    const results = [english, ...others];
    if (this.waits || waitsForNotes) return { kind: 'described', results, renderedBytes: 0 };
    const include = options.include ?? [];
    const assessment = include.includes('assessment') ? jsonBytes(english.assessment) : 0;
    return {
      kind: 'described',
      results,
      renderedBytes: renderedBytes(languages.includes('en') ? results : others, {
        idLength: lot.lotId.length,
        missing: lot.missing,
        assessment,
        review: jsonBytes(english.needsReview),
        usage: include.includes('usage'),
      }),
    };
  }

  giveUp(error: LotEnd): LineOutcome {
    return { kind: 'failed', error };
  }
}

function stored(answer: ResponseFailure): LotEnd {
  const { code, message } = answerError(answer, undefined);
  return { code, message };
}
