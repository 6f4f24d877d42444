import { Inject, Injectable } from '@nestjs/common';
import { checkClientWords, type ClientWords } from '../assessment/client-words.js';
import { costUsd, priceOf } from '../assessment/cost.js';
import type { EstimateSettings } from '../assessment/estimate.js';
import { isEnglish } from '../assessment/languages.js';
import { photoTokens, type PixelSize } from '../assessment/photo-tokens.js';
import { parsePrompt } from '../assessment/prompt.js';
import type { TokenUsage } from '../assessment/response-body.js';
import type { GlossarySettings } from '../assessment/text/glossary-request.js';
import { Glossaries } from '../assessment/text/glossaries.js';
import type { TranslationSettings } from '../assessment/translation.js';
import type { VisionSettings } from '../assessment/vision-request.js';
import type { WorstCaseSettings } from '../assessment/worst-case.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { asksForNotes, type JobOptions } from '../jobs/batch-job.entity.js';
import type { UsageRow } from '../jobs/usage-sum.js';
import type { PhotosOf } from '../jobs/photo-averages-store.js';
import type { ModelStage } from '../jobs/states.js';

/** What a photo of usual size takes, for keys of which none was seen yet. */
const USUAL_PHOTO = 1_100;

/** The configured models, prompts, glossaries and prices in the forms that assessment/ needs; the same in both modes. */
@Injectable()
export class ModelSettings {
  readonly vision: VisionSettings;
  readonly translation: TranslationSettings;
  readonly glossaries: Glossaries;
  /** Words of clients' own, by key id. */
  readonly clientWords: ReadonlyMap<string, ClientWords>;
  /** The translation model makes the glossary of a language that none is shipped for. */
  readonly glossary: GlossarySettings;
  private readonly prices: AppConfig['openai']['prices'];
  /** The same for jobs with notes. */
  private noted: ModelSettings | undefined;

  constructor(@Inject(APP_CONFIG) config: AppConfig) {
    const { openai, prompts } = config;
    this.prices = openai.prices;
    this.glossaries = Glossaries.read(config.glossaries, config.limitsTexts);
    this.clientWords = config.glossaryWords;
    checkClientWords(this.clientWords, this.glossaries);
    this.vision = {
      model: openai.visionModel,
      effort: openai.visionEffort,
      detail: openai.imageDetail,
      maxOutputTokens: openai.visionMaxOutputTokens,
      prompt: parsePrompt(prompts.vision, prompts.visionOverride),
    };
    this.translation = {
      model: openai.translationModel,
      effort: openai.translationEffort,
      maxOutputTokens: openai.translationMaxOutputTokens,
      prompt: parsePrompt(prompts.translation),
    };
    this.glossary = {
      model: openai.translationModel,
      effort: openai.translationEffort,
      prompt: parsePrompt(prompts.glossary),
    };
  }

  /** The settings for the lots of a job: with notes, where it has asked for them. */
  forJob(options: Pick<JobOptions, 'include'>): ModelSettings {
    if (!asksForNotes(options)) return this;
    this.noted ??= Object.assign(Object.create(ModelSettings.prototype) as ModelSettings, this, {
      vision: { ...this.vision, notes: true },
    });
    return this.noted;
  }

  /**
   * The settings for `estimateLot`; `batch` halves the price.
   * @param perPhoto - input tokens of a photo, if they are known
   */
  estimate(batch: boolean, perPhoto?: number): EstimateSettings {
    return this.worstCase(batch, perPhoto);
  }

  /** The settings from which a call's worst cost is computed. @param perPhoto - as for `estimate` */
  worstCase(batch: boolean, perPhoto?: number): WorstCaseSettings {
    return {
      vision: this.vision,
      translation: this.translation,
      prices: this.prices,
      batch,
      ...(perPhoto === undefined ? {} : { photoTokens: perPhoto }),
    };
  }

  /** Input tokens of a photo in the vision request; of one whose size is not known (null) the most. */
  photoTokens(size: PixelSize | null): number {
    return photoTokens(this.vision.model, this.vision.detail, size);
  }

  /**
   * What a photo takes in the vision request at a detail, whatever the configured one is.
   * @param size - null when it is not known: the most
   * @returns its input tokens, and what these cost in a synchronous request (USD; null when the model's price is not known)
   */
  photoAt(
    detail: 'low' | 'high',
    size: PixelSize | null,
  ): { readonly tokens: number; readonly costUsd: number | null } {
    const { model } = this.vision;
    const tokens = photoTokens(model, detail, size);
    const price = priceOf(model, this.prices);
    const usage = { input: tokens, cachedInput: 0, cacheWrite: 0, output: 0, reasoning: 0 };
    return { tokens, costUsd: price === null ? null : costUsd(usage, price, { batch: false, model }) };
  }

  /** Input tokens of a photo that nobody has seen. @param recent - what the key's latest ones took on average */
  expectedPhotoTokens(recent: number | null): number {
    return Math.min(recent ?? USUAL_PHOTO, this.photoTokens(null));
  }

  /** Whose average a key's photos belong to. */
  photosOf(keyId: string): PhotosOf {
    return { keyId, model: this.vision.model, detail: this.vision.detail };
  }

  /** The languages that the translation model is asked for with each lot that has notes: all other text is in a glossary's words. */
  toTranslate(languages: readonly string[]): readonly string[] {
    return this.vision.notes === true ? languages.filter((language) => !isEnglish(language)) : [];
  }

  /** The languages that no glossary is shipped for: theirs is made once, and their texts may have to wait for it. */
  unshipped(languages: readonly string[]): readonly string[] {
    return languages.filter((language) => this.glossaries.for(language) === null);
  }

  modelOf(stage: ModelStage): string {
    return stage === 'vision' ? this.vision.model : this.translation.model;
  }

  /**
   * The usage of one answered call. It is counted under the configured model's name, so that snapshots are not
   * separate.
   */
  usageRow(stage: ModelStage, usage: TokenUsage, batch: boolean): UsageRow {
    const model = this.modelOf(stage);
    const price = priceOf(model, this.prices);
    return {
      stage,
      model,
      calls: 1,
      inputTokens: usage.input,
      cachedInputTokens: usage.cachedInput,
      outputTokens: usage.output,
      reasoningTokens: usage.reasoning,
      costUsd: price === null ? 0 : costUsd(usage, price, { batch, model }),
    };
  }
}
