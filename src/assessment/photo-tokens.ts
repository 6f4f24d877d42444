import type { ImageDetail } from './model-traits.js';

/** Width and height of a photo, in pixels. Which is which does not matter: a turned photo counts the same. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** A photo is scaled down until both hold. */
interface Bounds {
  /** Squares of 32 × 32 pixels that cover it. */
  readonly patches: number;
  /** Its longer side in pixels. */
  readonly side: number;
}

type Rule =
  | {
      readonly by: 'patches';
      /** Tokens of a patch. */
      readonly each: number;
      readonly high: Bounds;
      readonly original: Bounds;
      readonly auto: 'high' | 'original';
    }
  | { readonly by: 'tiles'; readonly base: number; readonly each: number };

const PATCH = 32;
const LOW: Bounds = { patches: 256, side: 512 };
const SMALL: Bounds = { patches: 1_536, side: 2_048 };
const MEDIUM: Bounds = { patches: 2_500, side: 2_048 };
const NEWEST: Bounds = { patches: 2_500, side: 65_535 };
const LARGE: Bounds = { patches: 10_000, side: 6_000 };
/** Nothing is scaled down: a photo of more patches is refused. */
const WHOLE: Bounds = { patches: 30_000, side: Infinity };

const small = (each: number): Rule => ({ by: 'patches', each, high: SMALL, original: SMALL, auto: 'high' });
const tiles = (base: number, each: number): Rule => ({ by: 'tiles', base, each });

/**
 * OpenAI's guide "Images and vision" by families of models, the first that fits. The factors of gpt-5.2 to gpt-5.5 are
 * users' measurements.
 */
const RULES: readonly (readonly [model: RegExp, rule: Rule])[] = [
  [/^(?:gpt-4\.1-mini|gpt-5-mini|gpt-5(?:\.1)?-codex-mini)/, small(1.62)],
  [/^(?:gpt-4\.1-nano|gpt-5-nano)/, small(2.46)],
  [/^o4-mini/, small(1.72)],
  [/^gpt-4o-mini/, tiles(2_833, 5_667)],
  [/^(?:gpt-4|chatgpt-4)/, tiles(85, 170)],
  [/^o\d/, tiles(75, 150)],
  [/^gpt-5(?:\.1)?(?:-|$)/, tiles(70, 140)],
  [/^gpt-5\.[23]/, small(1.2)],
  [/^gpt-5\.4/, { by: 'patches', each: 1.2, high: MEDIUM, original: LARGE, auto: 'high' }],
  [/^gpt-5\.5/, { by: 'patches', each: 1.2, high: MEDIUM, original: LARGE, auto: 'original' }],
];
/** From gpt-5.6 on; also of a name that is not known, because what has just come out is like that. */
const NEW_RULE: Rule = { by: 'patches', each: 1.2, high: NEWEST, original: WHOLE, auto: 'original' };

/** Twelve megapixels: what a photo of unknown size counts as where nothing is scaled down. */
const TWELVE_MEGAPIXELS: PixelSize = { width: 4_032, height: 3_024 };
/** A panorama, which takes the most tiles. */
const MOST_TILES: PixelSize = { width: 2_048, height: 768 };

/**
 * Input tokens of one photo.
 * @param size - null when it is not known: the most that a photo can take, or twelve megapixels where there is no most
 */
export function photoTokens(model: string, detail: ImageDetail, size: PixelSize | null): number {
  const rule = RULES.find(([names]) => names.test(model.replace(/^ft:/, '')))?.[1] ?? NEW_RULE;
  if (rule.by === 'tiles') return detail === 'low' ? rule.base : rule.base + rule.each * tilesOf(size ?? MOST_TILES);
  const bounds = detail === 'low' ? LOW : rule[detail === 'auto' ? rule.auto : detail];
  const patches = size === null && bounds !== WHOLE ? bounds.patches : patchesWithin(size ?? TWELVE_MEGAPIXELS, bounds);
  // Without rounding, 1.2 times a number may come out a trillionth above a whole one.
  return Math.ceil(Number((patches * rule.each).toFixed(6)));
}

/** Patches of a photo after it was scaled down, first to the side and then to the number of patches. */
function patchesWithin(size: PixelSize, { patches, side }: Bounds): number {
  const { width, height } = scaled(size, Math.min(1, side / Math.max(size.width, size.height)));
  if (patchesOf({ width, height }) <= patches) return patchesOf({ width, height });
  const shrink = Math.sqrt((PATCH * PATCH * patches) / (width * height));
  const wholePatches = (length: number) => Math.floor((length * shrink) / PATCH) / ((length * shrink) / PATCH);
  // Shrunk a little more, so that the patches of one side at least end with the photo.
  const factor = shrink * Math.min(wholePatches(width), wholePatches(height));
  // A strip narrower than a patch.
  if (factor === 0 || factor >= 1) return patches;
  return Math.min(patches, patchesOf({ width: Math.floor(width * factor), height: Math.floor(height * factor) }));
}

function patchesOf({ width, height }: PixelSize): number {
  return Math.ceil(width / PATCH) * Math.ceil(height / PATCH);
}

function scaled({ width, height }: PixelSize, factor: number): PixelSize {
  return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) };
}

const TILE = 512;

/** Fitted into 2,048 × 2,048 pixels, then to a shorter side of 768; never enlarged. */
function tilesOf(size: PixelSize): number {
  const fitted = scaled(size, Math.min(1, 2_048 / Math.max(size.width, size.height)));
  const { width, height } = scaled(fitted, Math.min(1, 768 / Math.min(fitted.width, fitted.height)));
  return Math.ceil(width / TILE) * Math.ceil(height / TILE);
}
