import { isObject, type JsonObject } from '../json.js';
import { VIEW_FACTS } from './car-parts.js';

/** What a drawn photo says of itself: the simulation then finds what was drawn. */
export interface DrawnPhoto {
  readonly view: string;
  /** `kind`, `body`, `colour` and `doors`. */
  readonly vehicle: Readonly<Record<string, string>>;
  readonly damages: readonly DrawnMark[];
}

interface DrawnMark {
  /** `in_picture`, `part`, `side`, `end`, `type`, `zone`, `extent`, `count`, `through`, `severity` and `confidence`. */
  readonly words: Readonly<Record<string, string>>;
  /** Whether this photo shows it best. */
  readonly clearest: boolean;
}

const BEFORE = 'sandbox-drawing:';
const MOST_DAMAGES = 20;

/**
 * Reads the description in a photo's EXIF data. Anything but a whole one is none: then the photo is looked at like any other.
 * @param exif - as the file holds it, where the description is text that ends with a zero byte
 */
export function drawnPhoto(exif: Uint8Array | undefined): DrawnPhoto | null {
  if (exif === undefined) return null;
  const bytes = Buffer.from(exif);
  const at = bytes.indexOf(BEFORE);
  if (at === -1) return null;
  const from = at + BEFORE.length;
  const end = bytes.indexOf(0, from);
  try {
    return read(JSON.parse(bytes.toString('utf8', from, end === -1 ? bytes.length : end)));
  } catch {
    return null;
  }
}

function read(value: unknown): DrawnPhoto | null {
  if (!isObject(value) || !isObject(value['vehicle']) || !Array.isArray(value['damages'])) return null;
  const { view, vehicle, damages } = value;
  if (typeof view !== 'string' || !Object.hasOwn(VIEW_FACTS, view)) return null;
  return {
    view,
    vehicle: wordsOf(vehicle as JsonObject),
    damages: (damages as unknown[])
      .filter(isObject)
      .slice(0, MOST_DAMAGES)
      .map((damage) => ({ words: wordsOf(damage), clearest: damage['clearest'] === true })),
  };
}

function wordsOf(value: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
