import { costUsd, priceOf } from './cost.js';
import { hasCacheBreakpoints } from './model-traits.js';
import type { ModelPrice, ReasoningEffort } from './model-traits.js';
import { photoTokens } from './photo-tokens.js';
import type { TranslationSettings } from './translation.js';
import { VISION_TEXT_FORMAT, VISION_TEXT_FORMAT_WITH_NOTES } from './vision-schema.js';
import type { VisionSettings } from './vision-request.js';

/** What a lot is expected to take before anything is sent. */
export interface LotEstimate {
  readonly vision: StageEstimate;
  /** Zeros when no language but English is asked for. */
  readonly translation: StageEstimate;
  /** USD, of a lot alone; null when the price of a model is not known. */
  readonly costUsd: number | null;
  /** What of this only a job's first lot costs, because it writes the prompt to the cache. */
  readonly firstUsd: number;
}

interface StageEstimate {
  /** What counts against OpenAI's limit of enqueued tokens. */
  readonly inputTokens: number;
  /** With reasoning. */
  readonly outputTokens: number;
}

export interface EstimateSettings {
  readonly vision: Pick<VisionSettings, 'model' | 'effort' | 'detail' | 'prompt' | 'notes'>;
  readonly translation: Pick<TranslationSettings, 'model' | 'effort' | 'prompt'>;
  readonly prices?: Readonly<Record<string, ModelPrice>>;
  readonly batch: boolean;
  /** Input tokens of one photo of the lot on average; where this is not known, the most that a photo can take. */
  readonly photoTokens?: number;
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
/** A sentence. With notes nothing but these sentences is translated. */
const NOTE_TOKENS = 24;
/** Most languages take more tokens than English for the same words. */
export const TRANSLATED_SHARE = 1.6;

/** Guesses, not published: output tokens that reasoning takes for each photo. */
export const REASONING_PER_PHOTO: Readonly<Record<ReasoningEffort, number>> = {
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
 * @param languages - how many the translation model is asked for
 */
export function estimateLot(
  imageCount: number,
  infoLength: number,
  languages: number,
  settings: EstimateSettings,
): LotEstimate {
  const notes = settings.vision.notes === true;
  const vision: StageEstimate = {
    inputTokens: visionInputTokens(imageCount, infoLength, settings.vision, settings.photoTokens),
    outputTokens:
      FIXED_ANSWER_TOKENS +
      imageCount * (PHOTO_ROW_TOKENS + REASONING_PER_PHOTO[settings.vision.effort]) +
      findingsOf(imageCount) * (ROW_TOKENS + (notes ? NOTE_TOKENS : 0)),
  };
  const textTokens = notes
    ? findingsOf(imageCount) * NOTE_TOKENS
    : TEXT_TOKENS + findingsOf(imageCount) * FINDING_TEXT_TOKENS;
  const translation: StageEstimate =
    languages === 0
      ? { inputTokens: 0, outputTokens: 0 }
      : {
          inputTokens: translationInputTokens(textTokens * CHARACTERS_PER_TOKEN, languages, settings.translation),
          outputTokens: expectedText(textTokens * CHARACTERS_PER_TOKEN, languages),
        };
  const cold = stageCost(vision, settings.vision.model, settings, cacheWriteTokens(settings.vision));
  const warm = stageCost(vision, settings.vision.model, settings, 0);
  const translationUsd = languages === 0 ? 0 : stageCost(translation, settings.translation.model, settings, 0);
  return {
    vision,
    translation,
    costUsd: cold === null || translationUsd === null ? null : cold + translationUsd,
    firstUsd: (cold ?? 0) - (warm ?? 0),
  };
}

/** Output tokens that this much English text is expected to take in so many other languages. */
export function expectedText(characters: number, languages: number): number {
  return Math.ceil(languages * (characters / CHARACTERS_PER_TOKEN) * TRANSLATED_SHARE);
}

function findingsOf(imageCount: number): number {
  return Math.min(imageCount, 8);
}

function stageCost(stage: StageEstimate, model: string, settings: EstimateSettings, cacheWrite = 0): number | null {
  const price = priceOf(model, settings.prices);
  const usage = { input: stage.inputTokens, cachedInput: 0, cacheWrite, output: stage.outputTokens, reasoning: 0 };
  return price === null ? null : costUsd(usage, price, { batch: settings.batch, model });
}

/** Written once: for each of a thousand lots it held the event loop for 40 ms. */
const SCHEMA_CHARACTERS = {
  plain: JSON.stringify(VISION_TEXT_FORMAT).length,
  withNotes: JSON.stringify(VISION_TEXT_FORMAT_WITH_NOTES).length,
};

/** Characters that are the same in every vision request: the prompt and the schema. */
export function staticCharacters({ prompt, notes }: EstimateSettings['vision']): number {
  return prompt.body.length + SCHEMA_CHARACTERS[notes === true ? 'withNotes' : 'plain'];
}

/** Input tokens that a lot writes to the prompt cache when no lot before it did. */
export function cacheWriteTokens(settings: EstimateSettings['vision']): number {
  return hasCacheBreakpoints(settings.model) ? Math.ceil(staticCharacters(settings) / CHARACTERS_PER_TOKEN) : 0;
}

/**
 * Input tokens of one vision request.
 * @param perPhoto - of one photo on average; the most that it can take by default
 */
export function visionInputTokens(
  imageCount: number,
  infoLength: number,
  settings: EstimateSettings['vision'],
  perPhoto = photoTokens(settings.model, settings.detail, null),
): number {
  return (
    Math.ceil(staticCharacters(settings) / CHARACTERS_PER_TOKEN) +
    FRAME_TOKENS +
    infoLength +
    Math.ceil(imageCount * (LABEL_TOKENS + perPhoto))
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
