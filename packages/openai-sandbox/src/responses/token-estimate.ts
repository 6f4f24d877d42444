import { invalid } from '../http/api-error.js';
import { hash32 } from '../seeded.js';
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

/**
 * Tokens of a photo: patches of 32 × 32 pixels, capped by `detail`, times the model's multiplier. From gpt-5.6 on
 * `auto` means `original`, which has no cap.
 */
export function photoTokens(model: string, detail: PhotoPart['detail'], size: PixelSize = LARGE): number {
  const family = Object.keys(MULTIPLIER).find((name) => model.startsWith(name));
  const multiplier = family === undefined ? 1.2 : (MULTIPLIER[family] ?? 1);
  const cap = detail === 'low' ? 256 : family !== undefined ? 1536 : detail === 'high' ? 2500 : Infinity;
  const longest = detail === 'low' ? 512 : cap === Infinity ? Infinity : 2048;
  const scale = Math.min(1, longest / Math.max(size.width, size.height));
  const patches = Math.ceil((size.width * scale) / 32) * Math.ceil((size.height * scale) / 32);
  return Math.ceil(Math.min(cap, patches) * multiplier);
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

/**
 * What the prompt cache knows: the static text at the beginning of requests, in steps of 128 tokens from 1,024 on.
 * The first request with a prefix pays for it, later ones read it.
 */
export class PromptCache {
  private readonly known = new Set<string>();

  cachedTokens(request: ResponseRequest): number {
    const prefix = request.texts[0] ?? '';
    const tokens = textTokens(prefix) + (request.schema === null ? 0 : textTokens(JSON.stringify(request.schema)));
    if (tokens < 1024) return 0;
    const key = `${request.model.id} ${hash32(prefix)}`;
    if (this.known.has(key)) return Math.floor(tokens / 128) * 128;
    if (this.known.size > 10_000) this.known.clear();
    this.known.add(key);
    return 0;
  }
}
