import { invalid } from '../http/api-error.js';
import { hash32, sha256 } from '../seeded.js';
import type { PhotoPart, ResponseRequest } from './response-request.js';

/** Tokens of a text: about four ASCII characters each, about one for each character of other scripts. */
export function textTokens(text: string): number {
  let other = 0;
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) other++;
  return Math.ceil((text.length - other) / 4 + other * 0.6);
}

/** Size of a photo in pixels; unknown sizes count as a large 4:3 photo. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

const LARGE: PixelSize = { width: 4000, height: 3000 };
/** Published for o4-mini and gpt-4.1-mini; for gpt-5.4 and later one user's measurement. */
const MULTIPLIER: Readonly<Record<string, number>> = { 'o4-mini': 1.72, 'gpt-4.1-mini': 1.62 };
const PATCH = 32;

/**
 * Tokens of a photo: patches of 32 × 32 pixels, capped by `detail`, times the model's multiplier. From gpt-5.6 on
 * `auto` means `original`, which is not scaled down.
 */
export function photoTokens(model: string, detail: PhotoPart['detail'], size: PixelSize = LARGE): number {
  const family = Object.keys(MULTIPLIER).find((name) => model.startsWith(name));
  const multiplier = family === undefined ? 1.2 : (MULTIPLIER[family] ?? 1);
  const whole = family === undefined && (detail === 'auto' || detail === 'original');
  const cap = detail === 'low' ? 256 : whole ? 30_000 : family === undefined ? 2500 : 1536;
  const longest = detail === 'low' ? 512 : family !== undefined ? 2048 : whole ? Infinity : 65_535;
  const scale = Math.min(1, longest / Math.max(size.width, size.height));
  const width = Math.max(1, Math.round(size.width * scale));
  const height = Math.max(1, Math.round(size.height * scale));
  const patches = Math.ceil(width / PATCH) * Math.ceil(height / PATCH);
  return Math.ceil(Number(((patches <= cap ? patches : shrunk(width, height, cap)) * multiplier).toFixed(6)));
}

/** Patches of a photo that has too many, as the guide shrinks it: so that the patches of one side end with the photo. */
function shrunk(width: number, height: number, cap: number): number {
  const across = width / PATCH;
  const down = height / PATCH;
  const shrink = Math.sqrt(cap / (across * down));
  const fitted =
    shrink * Math.min(Math.floor(across * shrink) / (across * shrink), Math.floor(down * shrink) / (down * shrink));
  if (!(fitted > 0 && fitted < 1)) return cap;
  const patchesOf = (length: number) => Math.ceil(Math.floor(length * fitted) / PATCH);
  return Math.min(cap, patchesOf(width) * patchesOf(height));
}

/** Input tokens of a request; `sizes` of its photos in order, as far as they are known. */
export function inputTokens(request: ResponseRequest, sizes: readonly PixelSize[] = []): number {
  const texts = request.texts.reduce((sum, text) => sum + textTokens(text), 0);
  const schema = request.schema === null ? 0 : textTokens(JSON.stringify(request.schema));
  const photos = request.photos.reduce(
    (sum, { detail }, index) => sum + photoTokens(request.model.id, detail, sizes[index]),
    0,
  );
  return texts + schema + photos + 8;
}

/** @throws ApiError 400 context_length_exceeded */
export function checkContextLength(request: ResponseRequest, tokens: number): void {
  if (tokens <= request.model.contextTokens) return;
  const message = 'Your input exceeds the context window of this model. Please adjust your input and try again.';
  throw invalid(message, 'input', 'context_length_exceeded');
}

/** Reasoning tokens that an effort takes, varied by the request. */
export function reasoningTokens(effort: string | null, seed: string): number {
  const base = { low: 64, medium: 320, high: 1024, xhigh: 3072, max: 6144 }[effort ?? 'none'] ?? 0;
  return base === 0 ? 0 : base + 64 * (hash32(seed) % 4);
}

/** Input tokens that were read from the prompt cache, and that were written to it. */
export interface CacheUse {
  readonly cached: number;
  readonly written: number;
}

/** Shorter prefixes are not cached. */
const SHORTEST_PREFIX = 1024;
const NO_USE: CacheUse = { cached: 0, written: 0 };

/**
 * What the prompt cache knows: prefixes of requests. From gpt-5.6 on a prefix ends at a breakpoint, and what a request
 * writes is billed. Before, the static text at the beginning is found again in steps of 128 tokens, and writing is free.
 */
export class PromptCache {
  private readonly known = new Set<string>();

  /** @param tokens - input tokens of the whole request */
  use(request: ResponseRequest, sizes: readonly PixelSize[], tokens: number): CacheUse {
    return request.model.cacheBreakpoints ? this.atBreakpoints(request, sizes, tokens) : this.atSteps(request);
  }

  private atBreakpoints(request: ResponseRequest, sizes: readonly PixelSize[], tokens: number): CacheUse {
    let cached = 0;
    let longest = 0;
    for (const { texts, photos } of request.breakpoints) {
      const prefix = { ...request, texts: request.texts.slice(0, texts), photos: request.photos.slice(0, photos) };
      const length = Math.min(tokens, inputTokens(prefix, sizes));
      if (length < SHORTEST_PREFIX) continue;
      const urls = prefix.photos.map(({ url }) => url);
      const known = !this.add(JSON.stringify([request.model.id, request.schema, prefix.texts, urls]));
      if (known) cached = Math.max(cached, length);
      longest = Math.max(longest, length);
    }
    return { cached, written: longest - cached };
  }

  private atSteps(request: ResponseRequest): CacheUse {
    const prefix = request.texts[0] ?? '';
    const tokens = textTokens(prefix) + (request.schema === null ? 0 : textTokens(JSON.stringify(request.schema)));
    if (tokens < SHORTEST_PREFIX || this.add(`${request.model.id} ${hash32(prefix)}`)) return NO_USE;
    return { cached: Math.floor(tokens / 128) * 128, written: 0 };
  }

  /** @returns false when it was known */
  private add(prefix: string): boolean {
    const key = sha256(Buffer.from(prefix));
    if (this.known.has(key)) return false;
    if (this.known.size > 10_000) this.known.clear();
    this.known.add(key);
    return true;
  }
}
