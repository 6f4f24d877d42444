import { costUsd, priceOf } from './cost.js';
import { CHARACTERS_PER_TOKEN, expectedText, REASONING_PER_PHOTO, type EstimateSettings } from './estimate.js';
import { hasCacheBreakpoints } from './model-traits.js';
import { photoTokens, type PixelSize } from './photo-tokens.js';
import { buildTranslationRequest, type TranslationSettings } from './translation.js';
import { buildVisionRequest, type VisionSettings } from './vision-request.js';

/** A lot as docs/cost.md has them: all photos of one size. */
export interface SampleLot {
  readonly photos: number;
  readonly size: PixelSize;
  readonly additionalInfo: string | null;
  readonly findings: number;
  /** The sentences of its rows, which a translation call is asked for, and into which languages. */
  readonly notes: readonly string[];
  readonly languages: readonly string[];
}

interface Share {
  readonly tokens: number;
  /** Null when the model's price is not known. */
  readonly usd: number | null;
}

/** What a lot costs, by what is paid for. */
export interface LotShares {
  readonly photos: Share;
  /** Prompt, schema, listing and the photos' labels; what is the same for all lots comes from the prompt cache. */
  readonly prompt: Share;
  /** The rows of the answer. */
  readonly answer: Share;
  /** A guess; nobody publishes it. */
  readonly reasoning: Share;
  /** Input and output of the call that translates notes. */
  readonly translation: Share;
}

export interface ShareSettings extends Omit<EstimateSettings, 'vision' | 'translation'> {
  readonly vision: VisionSettings;
  readonly translation: TranslationSettings;
}

/** Tokens of an answer as our schema has it, measured: fixed members, a photo's row, a finding's row. */
const ANSWER = { fixed: 102, photo: 26.3, finding: 61.3 };
/** What stands around a sentence in the row of its finding, and in place of one. */
const AROUND_NOTE = ',"note":""'.length;
const NO_NOTE = ',"note":null'.length;

/** Output tokens of an answer, without reasoning. */
function answerTokens({ photos, findings, notes }: SampleLot, asked: boolean): number {
  const sentences = notes.reduce((sum, note) => sum + AROUND_NOTE + note.length, 0);
  const noted = asked ? (sentences + NO_NOTE * (findings - notes.length)) / CHARACTERS_PER_TOKEN : 0;
  return Math.round(ANSWER.fixed + photos * ANSWER.photo + findings * ANSWER.finding + noted);
}

/**
 * What a lot is expected to cost after another one has written the prompt to the cache. Nothing is added for safety, as the
 * estimates of requests do.
 */
export function lotShares(lot: SampleLot, settings: ShareSettings): LotShares {
  const { model, detail, effort, notes = false } = settings.vision;
  const imageUrls = Array.from({ length: lot.photos }, () => 'https://photos.test/1.jpg');
  const request = buildVisionRequest({ additionalInfo: lot.additionalInfo, imageUrls }, settings.vision);
  const photos = lot.photos * photoTokens(model, detail, lot.size);
  const prompt = textTokens(request);
  const same = textTokens({ ...request, input: hasCacheBreakpoints(model) ? request.input.slice(0, 1) : [] });
  const answer = answerTokens(lot, notes);
  const reasoning = lot.photos * REASONING_PER_PHOTO[effort];
  const long = photos + prompt;
  const vision = (tokens: number, cachedInput: number, output: number) =>
    usdOf(model, { tokens, cachedInput, output, long }, settings);
  return {
    photos: { tokens: photos, usd: vision(photos, 0, 0) },
    prompt: { tokens: prompt, usd: vision(prompt, same, 0) },
    answer: { tokens: answer, usd: vision(0, 0, answer) },
    reasoning: { tokens: reasoning, usd: vision(0, 0, reasoning) },
    translation: translationShare(lot, settings),
  };
}

function translationShare({ notes, languages }: SampleLot, settings: ShareSettings): Share {
  if (notes.length === 0 || languages.length === 0) return { tokens: 0, usd: 0 };
  const characters = notes.reduce((sum, note) => sum + note.length, 0);
  const shares = translationCalls(languages, settings.batch).map((together): Share => {
    const tokens = textTokens(buildTranslationRequest(notes, together, settings.translation));
    const output = expectedText(characters, together.length);
    const usd = usdOf(settings.translation.model, { tokens, cachedInput: 0, output, long: tokens }, settings);
    return { tokens: tokens + output, usd };
  });
  return shares.reduce((sum, { tokens, usd }) => ({
    tokens: sum.tokens + tokens,
    usd: sum.usd === null || usd === null ? null : sum.usd + usd,
  }));
}

/** The languages of each call: a line of a batch asks for all at once, so that a prompt is paid for once. */
function translationCalls(languages: readonly string[], batch: boolean): readonly (readonly string[])[] {
  return batch ? [languages] : languages.map((language) => [language]);
}

interface Used {
  readonly tokens: number;
  readonly cachedInput: number;
  readonly output: number;
  /** Input tokens of the whole request, which decide on the surcharge. */
  readonly long: number;
}

/** The part of a request's cost that these tokens make up. */
function usdOf(model: string, { tokens, cachedInput, output, long }: Used, settings: ShareSettings): number | null {
  const price = priceOf(model, settings.prices);
  if (price === null) return null;
  const cost = (cached: number, out: number) =>
    costUsd({ input: long, cachedInput: cached, cacheWrite: 0, output: out, reasoning: 0 }, price, {
      batch: settings.batch,
      model,
    });
  const plain = cost(0, 0);
  const perCached = cost(long, 0) / long;
  const perOutput = (cost(0, 1_000_000) - plain) / 1_000_000;
  return (tokens - cachedInput) * (plain / long) + cachedInput * perCached + output * perOutput;
}

/** Tokens of all texts of a request: schema, instructions and messages. */
function textTokens(request: {
  readonly instructions: string;
  readonly text: { readonly format: { readonly schema: unknown } };
  readonly input: readonly { readonly content: readonly { readonly type: string; readonly text?: string }[] }[];
}): number {
  const texts = request.input.flatMap(({ content }) => content.map(({ text = '' }) => text));
  const all = [JSON.stringify(request.text.format.schema), request.instructions, ...texts];
  return all.reduce((sum, text) => sum + Math.ceil(text.length / CHARACTERS_PER_TOKEN), 0);
}
