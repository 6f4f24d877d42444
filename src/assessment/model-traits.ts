/** What differs between model families in the requests that we make. */

/** The values that the settings take, and requests name. */
export const REASONING_EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
export const IMAGE_DETAILS = ['low', 'high', 'auto', 'original'] as const;

export type ReasoningEffort = (typeof REASONING_EFFORTS)[number];
export type ImageDetail = (typeof IMAGE_DETAILS)[number];

/** USD per million tokens at the standard rate; the Batch API costs half. */
export interface ModelPrice {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
}

type Family = 'gpt-4' | 'o-series' | 'gpt-5+';

/** A name that is not known counts as the newest family: what has just come out is like that. */
function familyOf(model: string): Family {
  const name = model.replace(/^ft:/, '');
  return /^(gpt-4|chatgpt-4)/.test(name) ? 'gpt-4' : /^o\d/.test(name) ? 'o-series' : 'gpt-5+';
}

/**
 * The `reasoning` member of a request, or nothing: gpt-4.1 refuses the member with a 400, and the o-series knows only
 * low, medium and high.
 */
export function reasoningOf(model: string, effort: ReasoningEffort): { reasoning?: { effort: ReasoningEffort } } {
  switch (familyOf(model)) {
    case 'gpt-4':
      return {};
    case 'o-series': {
      const low = effort === 'none' || effort === 'minimal';
      const high = effort === 'xhigh' || effort === 'max';
      return { reasoning: { effort: low ? 'low' : high ? 'high' : effort } };
    }
    case 'gpt-5+':
      return { reasoning: { effort } };
  }
}

/** `original` exists from gpt-5.4 on; an older model gets the most that it has. */
export function detailOf(model: string, detail: ImageDetail): ImageDetail {
  return detail === 'original' && familyOf(model) !== 'gpt-5+' ? 'high' : detail;
}

/** The most tokens that a model may be asked to answer with: asking for more is a 400. */
export function longestAnswer(model: string): number {
  return familyOf(model) === 'gpt-4' ? 32_768 : 100_000;
}

/**
 * The longest side, in pixels, of a photo that we send ourselves: what the model's own limits would scale it to anyway, so that
 * nothing is lost and no byte too many is sent. Where there is no cap, 4,096: twelve megapixels of a 4:3 photo.
 */
export function longestSide(model: string, detail: ImageDetail): number {
  if (detail === 'low') return 512;
  return familyOf(model) === 'gpt-5+' && detail !== 'high' ? 4_096 : 2_048;
}

/**
 * Whether the model's prompt cache has breakpoints: gpt-5.6 and later. There a prompt is read from the cache only up to a
 * breakpoint, and writing to the cache costs more than not writing. A name that is not known may belong to another
 * server, which could refuse the members.
 */
export function hasCacheBreakpoints(model: string): boolean {
  return /^gpt-(?:5\.[6-9]|[6-9])/.test(model.replace(/^ft:/, ''));
}
