import { costUsd, priceOf } from './cost.js';
import { photoTokens } from './model-traits.js';
import type { ModelPrice, ReasoningEffort } from './model-traits.js';
import type { TranslationSettings } from './translation.js';
import { VISION_TEXT_FORMAT } from './vision-schema.js';
import type { VisionSettings } from './vision-request.js';

/** What a lot is expected to take before anything is sent. */
export interface LotEstimate {
  readonly vision: StageEstimate;
  /** Zeros when no language but English is asked for. */
  readonly translation: StageEstimate;
  /** USD; null when the price of a model is not known. */
  readonly costUsd: number | null;
}

interface StageEstimate {
  /** What counts against OpenAI's limit of enqueued tokens. */
  readonly inputTokens: number;
  /** With reasoning. */
  readonly outputTokens: number;
}

export interface EstimateSettings {
  readonly vision: Pick<VisionSettings, 'model' | 'effort' | 'detail' | 'prompt'>;
  readonly translation: Pick<TranslationSettings, 'model' | 'effort' | 'prompt'>;
  readonly prices?: Readonly<Record<string, ModelPrice>>;
  readonly batch: boolean;
}

/** English prose and JSON; other scripts take up to a token a character, which `infoTokens` allows for. */
export const CHARACTERS_PER_TOKEN = 4;
const LABEL_TOKENS = 8;
const FRAME_TOKENS = 60;
const ROW_TOKENS = 70;
const PHOTO_ROW_TOKENS = 60;
const FIXED_ANSWER_TOKENS = 300;
/** Of our English text, for a lot with as many findings as photos up to eight. */
const TEXT_TOKENS = 220;
const FINDING_TEXT_TOKENS = 40;
/** Most languages take more tokens than English for the same words. */
export const TRANSLATED_SHARE = 1.6;

/** Guesses, not published: output tokens that reasoning takes for each photo. */
const REASONING_PER_PHOTO: Readonly<Record<ReasoningEffort, number>> = {
  none: 0,
  minimal: 20,
  low: 60,
  medium: 150,
  high: 400,
  xhigh: 800,
  max: 1_600,
};

/**
 * Tokens and cost of one lot, for the 201's estimate, `max_cost_usd` and the ledger of enqueued tokens. On the high
 * side: an estimate that is too low lets a job begin that its limit then stops half way.
 * @param imageCount - photos of the lot
 * @param infoLength - characters of additional_info, 0 when absent
 * @param languages - languages asked for besides English
 */
export function estimateLot(
  imageCount: number,
  infoLength: number,
  languages: number,
  settings: EstimateSettings,
): LotEstimate {
  const vision: StageEstimate = {
    inputTokens: visionInputTokens(imageCount, infoLength, settings.vision),
    outputTokens:
      FIXED_ANSWER_TOKENS +
      imageCount * (PHOTO_ROW_TOKENS + REASONING_PER_PHOTO[settings.vision.effort]) +
      findingsOf(imageCount) * ROW_TOKENS,
  };
  const textTokens = TEXT_TOKENS + findingsOf(imageCount) * FINDING_TEXT_TOKENS;
  const translation: StageEstimate =
    languages === 0
      ? { inputTokens: 0, outputTokens: 0 }
      : {
          inputTokens: translationInputTokens(textTokens * CHARACTERS_PER_TOKEN, languages, settings.translation),
          outputTokens: expectedText(textTokens * CHARACTERS_PER_TOKEN, languages),
        };
  const costs = [
    stageCost(vision, settings.vision.model, settings),
    languages === 0 ? 0 : stageCost(translation, settings.translation.model, settings),
  ];
  return { vision, translation, costUsd: costs.reduce(addKnown, 0) };
}

/** Output tokens that this much English text is expected to take in so many other languages. */
export function expectedText(characters: number, languages: number): number {
  return Math.ceil(languages * (characters / CHARACTERS_PER_TOKEN) * TRANSLATED_SHARE);
}

function addKnown(sum: number | null, cost: number | null): number | null {
  return sum === null || cost === null ? null : sum + cost;
}

function findingsOf(imageCount: number): number {
  return Math.min(imageCount, 8);
}

function stageCost(stage: StageEstimate, model: string, settings: EstimateSettings): number | null {
  const price = priceOf(model, settings.prices);
  const usage = { input: stage.inputTokens, cachedInput: 0, output: stage.outputTokens, reasoning: 0 };
  return price === null ? null : costUsd(usage, price, { batch: settings.batch, model });
}

const schemaTokens = Math.ceil(JSON.stringify(VISION_TEXT_FORMAT).length / CHARACTERS_PER_TOKEN);

/** Input tokens of one vision request. */
export function visionInputTokens(
  imageCount: number,
  infoLength: number,
  settings: EstimateSettings['vision'],
): number {
  return (
    Math.ceil(settings.prompt.body.length / CHARACTERS_PER_TOKEN) +
    schemaTokens +
    FRAME_TOKENS +
    infoLength +
    imageCount * (LABEL_TOKENS + photoTokens(settings.model, settings.detail))
  );
}

/**
 * Input tokens of one translation request.
 * @param textLength - characters of all its strings
 */
export function translationInputTokens(
  textLength: number,
  languages: number,
  settings: EstimateSettings['translation'],
): number {
  const text = Math.ceil((settings.prompt.body.length + 2 * textLength) / CHARACTERS_PER_TOKEN);
  return text + FRAME_TOKENS + 20 * languages;
}
