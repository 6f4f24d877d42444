import { costUsd, priceOf } from './cost.js';
import {
  cacheWriteTokens,
  CHARACTERS_PER_TOKEN,
  estimateLot,
  expectedText,
  TRANSLATED_SHARE,
  staticCharacters,
  translationInputTokens,
  visionInputTokens,
  type EstimateSettings,
  type LotEstimate,
} from './estimate.js';
import { translationRoom, type TranslationSettings } from './translation.js';
import { outputRoom, type VisionSettings } from './vision-request.js';

export interface WorstCaseSettings extends EstimateSettings {
  readonly vision: EstimateSettings['vision'] & Pick<VisionSettings, 'maxOutputTokens'>;
  readonly translation: EstimateSettings['translation'] & Pick<TranslationSettings, 'maxOutputTokens'>;
}

/** What one call may cost, before it is sent. */
export interface CallBounds {
  /** USD of the input at its worst, and as the estimate expects it for a job's first lot. */
  readonly inputUsd: number;
  readonly expectedInputUsd: number;
  readonly outputTokenUsd: number;
  /** `max_output_tokens` of the request as it is built. */
  readonly room: number;
  /** Output tokens that the estimate takes: an answer that gets less is cut off, paid for and lost. */
  readonly leastRoom: number;
}

/** What is held for a call that may be sent: its cost cannot pass `usd`. */
export interface HeldCall {
  readonly usd: number;
  /** The `max_output_tokens` to send. */
  readonly room: number;
}

/** Not of English prose and JSON: no tokenizer makes a token of fewer characters there on average. */
const FEWEST_CHARACTERS_PER_TOKEN = 3;
/** A character of the seller's that could close the frame is written as an escape of six, and a token may be one. */
const LONGEST_ESCAPE = 6;
const LANGUAGE_TOKENS = 60;
const STRING_CHARACTERS = 40;

/**
 * Sums of USD in binary are off by their last digits: without this a limit of just the estimate missed it by a trillionth
 * and the lot was refused. It is far less than a token costs.
 */
const ROUNDING_USD = 1e-12;

/** At its worst: the whole room used. */
export function worstUsd(bounds: CallBounds): number {
  return bounds.inputUsd + bounds.room * bounds.outputTokenUsd;
}

/**
 * What to hold of `free` USD for a call.
 * @param mayLower - whether `max_output_tokens` may be lowered to what is free, down to what the estimate takes
 * @returns null when it does not fit
 */
export function heldWithin(bounds: CallBounds, free: number, mayLower: boolean): HeldCall | null {
  const worst = worstUsd(bounds);
  if (worst <= free + ROUNDING_USD) return { usd: worst, room: bounds.room };
  if (!mayLower) return null;
  const { inputUsd, expectedInputUsd, outputTokenUsd, leastRoom, room } = bounds;
  const tokensFor = (usd: number) => Math.floor((usd + ROUNDING_USD) / outputTokenUsd);
  const lowered = tokensFor(free - inputUsd);
  if (lowered >= leastRoom && lowered < room) return { usd: inputUsd + lowered * outputTokenUsd, room: lowered };
  // With the estimated input: a limit of exactly the estimate lets the lot be sent.
  const bare = tokensFor(free - expectedInputUsd);
  return bare >= leastRoom && leastRoom < room ? { usd: expectedInputUsd + bare * outputTokenUsd, room: bare } : null;
}

/**
 * One vision call.
 * @param photos - how many; what each takes is in the settings
 * @param infoLength - characters of additional_info, 0 when absent
 * @returns null when the model's price is not known: no limit can be kept then
 */
export function visionBounds(photos: number, infoLength: number, settings: WorstCaseSettings): CallBounds | null {
  const { vision } = settings;
  const expected = visionInputTokens(photos, infoLength, vision, settings.photoTokens);
  const fixed = staticCharacters(vision);
  const unforeseen = atWorst(fixed);
  const input = expected + unforeseen + (LONGEST_ESCAPE - 1) * infoLength;
  const written = cacheWriteTokens(vision);
  const { vision: estimate } = estimateLot(photos, infoLength, 0, settings);
  const room = outputRoom(photos, vision);
  return boundsOf(
    vision.model,
    {
      input,
      written: { expected: written, worst: written + unforeseen },
      expected,
      room,
      leastRoom: estimate.outputTokens,
    },
    settings,
  );
}

/** The English text that is to be translated, as far as its translation's cost depends on it. */
export interface TextSize {
  readonly strings: number;
  /** Of all strings. */
  readonly characters: number;
}

/** One translation call into `languages` languages. @returns null when the model's price is not known */
export function translationBounds(text: TextSize, languages: number, settings: WorstCaseSettings): CallBounds | null {
  const { translation } = settings;
  const expected = translationInputTokens(text.characters, languages, translation);
  const fixed = translation.prompt.body.length + 2 * (text.characters + STRING_CHARACTERS * text.strings);
  const input = expected + atWorst(fixed) + LANGUAGE_TOKENS * languages;
  const room = translationRoom(text, languages, translation);
  // Keys and quotes come with each string, in every language.
  const leastRoom = Math.min(room, expectedText(text.characters, languages) + 6 * languages * text.strings);
  return boundsOf(
    translation.model,
    { input, written: { expected: 0, worst: 0 }, expected, room, leastRoom },
    settings,
  );
}

/**
 * The most that a lot's first tries may cost, both stages: what a limit needs for its job to be sent at once.
 * @param languages - how many the translation model is asked for
 * @param together - whether one call asks for all languages, as a batch's lines do
 */
export function worstLotUsd(
  photos: number,
  infoLength: number,
  languages: number,
  settings: WorstCaseSettings,
  together: boolean,
): number | null {
  const vision = visionBounds(photos, infoLength, settings);
  if (vision === null || languages === 0) return vision === null ? null : worstUsd(vision);
  const text = expectedTextSize(estimateLot(photos, infoLength, languages, settings), languages);
  const translation = translationBounds(text, together ? languages : 1, settings);
  return translation === null ? null : worstUsd(vision) + worstUsd(translation) * (together ? 1 : languages);
}

/** What the estimate takes for the text, in strings as long as usual ones. */
function expectedTextSize({ translation }: LotEstimate, languages: number): TextSize {
  const characters = Math.ceil((translation.outputTokens / languages / TRANSLATED_SHARE) * CHARACTERS_PER_TOKEN);
  return { strings: Math.ceil(characters / STRING_CHARACTERS), characters };
}

function atWorst(characters: number): number {
  return Math.ceil(characters / FEWEST_CHARACTERS_PER_TOKEN) - Math.floor(characters / CHARACTERS_PER_TOKEN);
}

function boundsOf(
  model: string,
  tokens: {
    readonly input: number;
    /** Written to the prompt cache, of the input. */
    readonly written: { readonly expected: number; readonly worst: number };
    readonly expected: number;
    readonly room: number;
    readonly leastRoom: number;
  },
  settings: WorstCaseSettings,
): CallBounds | null {
  const price = priceOf(model, settings.prices);
  if (price === null) return null;
  const usd = (input: number, cacheWrite: number, output: number) =>
    costUsd({ input, cachedInput: 0, cacheWrite, output, reasoning: 0 }, price, { batch: settings.batch, model });
  const inputUsd = usd(tokens.input, tokens.written.worst, 0);
  return {
    inputUsd,
    expectedInputUsd: usd(tokens.expected, tokens.written.expected, 0),
    outputTokenUsd: (usd(tokens.input, tokens.written.worst, 1_000_000) - inputUsd) / 1_000_000,
    room: tokens.room,
    leastRoom: tokens.leastRoom,
  };
}
