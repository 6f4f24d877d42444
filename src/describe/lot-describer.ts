import { Inject, Injectable, Logger } from '@nestjs/common';
import { usageOf, type ResponseFacts, type ResponseFailure } from '../assessment/response-body.js';
import { recogniser } from './recogniser.js';
import { parseVisionAnswer } from '../assessment/vision-answer.js';
import { longestSide } from '../assessment/model-traits.js';
import { buildPhotoProbe, buildVisionRequest, withMoreRoom } from '../assessment/vision-request.js';
import { visionBounds, type CallBounds } from '../assessment/worst-case.js';
import { Clock } from '../common/clock.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import { inSpan } from '../common/spans.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { PhotoCarrier } from '../images/photo-carrier.js';
import { asksForNotes, type JobOptions } from '../jobs/batch-job.entity.js';
import { OpenAiError } from '../openai/errors.js';
import type { CallLimits } from '../openai/retry.js';
import type { Budget } from './budget.js';
import { answerError, callError } from './call-errors.js';
import { LotError } from './lot-error.js';
import type { AssessedAnswer } from './lot-texts.js';
import { ModelCalls, type Asked, type CountUsage } from './model-calls.js';
import { ModelSettings } from './model-settings.js';
import { SentPhotos, type PhotosOfLot } from './sent-photos.js';

/** A lot whose photos have been checked. */
export interface DescribableLot extends PhotosOfLot {
  readonly additionalInfo: string | null;
  /** What its job has asked for. */
  readonly options: Pick<JobOptions, 'include'>;
  /** The most input tokens of all its photos together; null when it is not known. */
  readonly photoTokens: number | null;
}

/** The model's answer to a lot. */
export interface AssessedLot {
  readonly answer: AssessedAnswer;
  /** How many photos the model saw. */
  readonly seen: number;
  readonly missing: readonly MissingPhoto[];
}

type InvalidAnswer = ResponseFacts & ResponseFailure & { readonly kind: 'invalid' };

/** How often an answer may be asked for when it is not JSON or does not fit the schema. More tries do not help. */
const MAX_INVALID = 2;

/** Describes one lot through the Responses API: for synchronous requests, and for lots that a batch could not do. */
@Injectable()
export class LotDescriber {
  private readonly logger = new Logger(LotDescriber.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly calls: ModelCalls,
    private readonly settings: ModelSettings,
    private readonly carrier: PhotoCarrier,
  ) {}

  /**
   * Asks the vision model. A photo that OpenAI cannot take is carried by us or left
   * out. A request that is too long is sent with half of its photos. An answer that was cut off gets twice the room,
   * once. An answer that says nothing, or cites no photo for a severe damage, is asked for once more.
   * @returns the answer, how many photos the model saw, and the photos that it did not see
   * @throws LotError when there is no answer; OpenAiError `aborted` when `limits.signal` ended the call
   */
  async assess(lot: DescribableLot, limits: CallLimits, count: CountUsage, budget?: Budget): Promise<AssessedLot> {
    const photos = this.sentPhotos(lot, limits, count, budget);
    try {
      await photos.prepare();
      const seen = { 'lot.photos': photos.photos.length };
      const answer = await inSpan('vision', seen, () => this.describe(lot, photos, limits, count, budget));
      return { answer, seen: photos.photos.length, missing: photos.missing };
    } catch (error) {
      throw error instanceof LotError ? error.withMissing(photos.missing) : error;
    } finally {
      photos.release();
    }
  }

  private async describe(
    lot: DescribableLot,
    photos: SentPhotos,
    limits: CallLimits,
    count: CountUsage,
    budget: Budget | undefined,
  ): Promise<AssessedAnswer> {
    let roomier = false;
    let invalid = 0;
    let doubted: AssessedAnswer | null = null;
    const settings = this.settings.forJob(lot.options);
    const recognises = asksForNotes(lot.options) ? await recogniser() : null;
    const read = (body: unknown) =>
      this.read(body, () => parseVisionAnswer(body, photos.photos, settings.vision.prompt.version, recognises));
    for (;;) {
      const request = buildVisionRequest(
        { additionalInfo: lot.additionalInfo, imageUrls: photos.urls },
        settings.vision,
      );
      let body: unknown;
      let requestId: string | undefined;
      let bill: Asked['bill'];
      try {
        const bounds = this.boundsOf(lot, photos.photos.length);
        const sent = roomier ? withMoreRoom(request) : request;
        ({ body, requestId, bill } = await this.calls.ask(
          'vision',
          sent,
          bounds,
          limits,
          count,
          roomier ? 'needed' : 'usual',
          budget,
        ));
      } catch (error) {
        // The first answer is there and paid for; the second was to be better, not to be needed.
        if (doubted !== null && !(error instanceof OpenAiError && error.kind === 'aborted')) return doubted;
        await this.goOnAfter(error, photos);
        continue;
      }
      const answer = read(body);
      await bill(answer.usage);
      if (answer.kind === 'assessed') {
        if (answer.again === null || doubted !== null) return fuller(answer, doubted);
        this.logger.warn('a vision answer is asked for again', { why: answer.again, openai_request_id: requestId });
        doubted = answer;
        continue;
      }
      this.logger.warn('a vision answer cannot be used', { kind: answer.kind, openai_request_id: requestId });
      if (doubted !== null) return doubted;
      if (answer.kind === 'incomplete' && answer.reason === 'max_output_tokens' && !roomier) {
        roomier = true;
      } else if (answer.kind !== 'invalid' || ++invalid >= MAX_INVALID) {
        throw answerError(answer, requestId);
      }
    }
  }

  /** @param photos - how many are left; fewer never take more than all did */
  private boundsOf({ additionalInfo, options, photoTokens }: DescribableLot, photos: number): CallBounds | null {
    const settings = this.settings.forJob(options);
    const perPhoto = Math.min(settings.photoTokens(null), (photoTokens ?? Infinity) / photos);
    return visionBounds(photos, additionalInfo?.length ?? 0, settings.worstCase(false, perPhoto));
  }

  /** @throws the error that ends the lot, unless it may help to leave photos out or to send them in another way */
  private async goOnAfter(error: unknown, photos: SentPhotos): Promise<void> {
    if (!(error instanceof OpenAiError)) throw error;
    if (error.kind === 'image') return photos.after(error);
    if (error.kind !== 'context_length' || !photos.halve()) throw callError(error, photos.missing);
  }

  private sentPhotos(
    lot: DescribableLot,
    limits: CallLimits,
    count: CountUsage,
    budget: Budget | undefined,
  ): SentPhotos {
    const { model, detail } = this.settings.vision;
    return new SentPhotos(lot, {
      carrier: this.carrier,
      side: longestSide(model, detail),
      maxUnreachable: this.config.images.maxUnreachable,
      limits,
      now: () => this.clock.now(),
      probe: (urls) => this.probe(urls, limits, count, budget),
    });
  }

  /**
   * Asks whether OpenAI can take these photos. Good photos cost what low detail costs.
   * @returns its complaint, or null
   */
  private async probe(
    urls: readonly string[],
    limits: CallLimits,
    count: CountUsage,
    budget: Budget | undefined,
  ): Promise<OpenAiError | null> {
    const bounds = visionBounds(urls.length, 0, this.settings.worstCase(false));
    const probe = buildPhotoProbe(urls, this.settings.vision);
    try {
      const { body, bill } = await this.calls.ask('vision', probe, bounds, limits, count, 'needed', budget);
      await bill(usageOf(body));
      return null;
    } catch (error) {
      if (error instanceof OpenAiError && error.kind === 'image') return error;
      throw callError(error, []);
    }
  }

  /** Reads an answer. If our own code fails on it, it is billed like any other and counts as invalid. */
  private read<T extends ResponseFacts>(body: unknown, reading: () => T): T | InvalidAnswer {
    try {
      return reading();
    } catch (error) {
      this.logger.error('an answer cannot be read', { reason: error instanceof Error ? error.stack : 'unknown' });
      return { kind: 'invalid', problems: [], responseId: null, model: null, usage: usageOf(body) };
    }
  }
}

/** The second answer, unless it says nothing at all where the first said something. */
function fuller(second: AssessedAnswer, first: AssessedAnswer | null): AssessedAnswer {
  return first !== null && second.again === 'nothing_said' && first.again !== 'nothing_said' ? first : second;
}
