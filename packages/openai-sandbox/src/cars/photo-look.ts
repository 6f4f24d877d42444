import sharp from 'sharp';
import { chance, pick, sha256 } from '../seeded.js';
import { drawnPhoto, type DrawnPhoto } from './drawn-photo.js';

/** Side length of the picture that is looked at; a whole photo shrinks to it. */
const SIZE = 96;
export const COLUMNS = 6;
export const ROWS = 4;
const CELL_WIDTH = SIZE / COLUMNS;
const CELL_HEIGHT = SIZE / ROWS;

/** One of the 6 × 4 fields of a photo. Luma and edges from 0 to 255, shares from 0 to 1. */
export interface Cell {
  readonly column: number;
  readonly row: number;
  readonly luma: number;
  readonly edges: number;
  readonly rust: number;
  readonly magenta: number;
  readonly cyan: number;
}

/** What the simulation knows of a photo: figures from its pixels, the same for the same pixels. */
export interface PhotoLook {
  /** Decided by the pixels: another picture has another one. */
  readonly fingerprint: string;
  readonly width: number;
  readonly height: number;
  /** Mean brightness, 0 to 255. */
  readonly luma: number;
  /** Standard deviation of the brightness. */
  readonly spread: number;
  /** Mean difference of neighbouring pixels. */
  readonly edges: number;
  readonly cells: readonly Cell[];
  /** Of the middle of the picture, by its name. */
  readonly colour: string;
  /** False when derived from the address alone. */
  readonly opened: boolean;
  /** What a drawn photo says of itself; null for any other. */
  readonly drawn: DrawnPhoto | null;
}

/** Refuses pictures that only waste memory: 12,000 × 12,000 pixels. */
const MOST_PIXELS = 144_000_000;

/**
 * Decodes a photo and measures it; sharp works on its own threads, so the event loop stays free.
 * @throws Error when the bytes are no whole PNG, JPEG, WEBP or non-animated GIF
 */
export async function lookAtPhoto(bytes: Uint8Array): Promise<PhotoLook> {
  const picture = sharp(bytes, { failOn: 'truncated', limitInputPixels: MOST_PIXELS, sequentialRead: true });
  const { format, width, height, pages, exif } = await picture.metadata();
  if (!['png', 'jpeg', 'webp', 'gif'].includes(format) || (format === 'gif' && (pages ?? 1) > 1)) {
    throw new Error(`unsupported format ${format}`);
  }
  const pixels = await picture
    .rotate()
    .flatten({ background: '#808080' })
    .toColourspace('srgb')
    .resize(SIZE, SIZE, { fit: 'fill' })
    .removeAlpha()
    .raw()
    .toBuffer();
  return { ...measure(pixels, width, height), drawn: drawnPhoto(exif) };
}

/** A made-up look that the address alone decides, for proofs of load that fetch no photos. */
export function lookByAddress(url: string): PhotoLook {
  const cells: Cell[] = [];
  for (let index = 0; index < COLUMNS * ROWS; index++) {
    const share = chance(url, index);
    cells.push({
      column: index % COLUMNS,
      row: Math.floor(index / COLUMNS),
      luma: 60 + 140 * chance(url, index, 'luma'),
      // The cube makes most cells quiet and a few stand out, as in a photo.
      edges: 8 + 40 * share ** 6,
      rust: 0,
      magenta: 0,
      cyan: 0,
    });
  }
  const fingerprint = sha256(url).slice(0, 16);
  const colour = pick(Object.keys(COLOURS), url, 'colour');
  const figures = { width: 1600, height: 1200, luma: 128, spread: 50, edges: 12, cells, colour };
  return { fingerprint, ...figures, opened: false, drawn: null };
}

function measure(pixels: Buffer, width: number, height: number): Omit<PhotoLook, 'drawn'> {
  const luma = new Float32Array(SIZE * SIZE);
  for (let index = 0; index < luma.length; index++) {
    const at = index * 3;
    luma[index] = 0.299 * byte(pixels, at) + 0.587 * byte(pixels, at + 1) + 0.114 * byte(pixels, at + 2);
  }
  const cells: Cell[] = [];
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) cells.push(measureCell(pixels, luma, column, row));
  }
  const mean = average(cells.map((cell) => cell.luma));
  let squares = 0;
  for (const value of luma) squares += (value - mean) ** 2;
  return {
    fingerprint: sha256(coarse(pixels)).slice(0, 16),
    width,
    height,
    luma: mean,
    spread: Math.sqrt(squares / luma.length),
    edges: average(cells.map((cell) => cell.edges)),
    cells,
    colour: middleColour(pixels),
    opened: true,
  };
}

function measureCell(pixels: Buffer, luma: Float32Array, column: number, row: number): Cell {
  let sum = 0;
  let edges = 0;
  const counts = { rust: 0, magenta: 0, cyan: 0 };
  for (let y = row * CELL_HEIGHT; y < (row + 1) * CELL_HEIGHT; y++) {
    for (let x = column * CELL_WIDTH; x < (column + 1) * CELL_WIDTH; x++) {
      const index = y * SIZE + x;
      const here = luma[index] ?? 0;
      sum += here;
      // The last pixel of a row or column has no neighbour: it counts as equal.
      edges += Math.abs(here - (x + 1 < SIZE ? (luma[index + 1] ?? here) : here));
      edges += Math.abs(here - (y + 1 < SIZE ? (luma[index + SIZE] ?? here) : here));
      const colour = markerColour(byte(pixels, index * 3), byte(pixels, index * 3 + 1), byte(pixels, index * 3 + 2));
      if (colour !== null) counts[colour]++;
    }
  }
  const size = CELL_WIDTH * CELL_HEIGHT;
  return {
    column,
    row,
    luma: sum / size,
    edges: edges / size,
    rust: counts.rust / size,
    magenta: counts.magenta / size,
    cyan: counts.cyan / size,
  };
}

/** The three colours that drawn sample cars mark damage with. */
function markerColour(red: number, green: number, blue: number): 'rust' | 'magenta' | 'cyan' | null {
  const most = Math.max(red, green, blue);
  const range = most - Math.min(red, green, blue);
  if (most < 60 || range / most < 0.6) return null;
  if (most === red) {
    const hue = (60 * (green - blue)) / range;
    if (hue >= 12 && hue <= 32 && most < 210) return 'rust';
    return hue <= -30 ? 'magenta' : null;
  }
  if (most === green) return (60 * (blue - red)) / range >= 50 ? 'cyan' : null;
  const hue = (60 * (red - green)) / range;
  if (hue >= 40) return 'magenta';
  return hue <= -50 ? 'cyan' : null;
}

const COLOURS: Readonly<Record<string, readonly [red: number, green: number, blue: number]>> = {
  white: [235, 235, 235],
  silver: [190, 192, 195],
  grey: [120, 122, 125],
  black: [35, 35, 38],
  blue: [45, 80, 140],
  red: [165, 40, 40],
  green: [50, 110, 65],
  brown: [105, 75, 50],
  beige: [210, 195, 160],
  yellow: [225, 195, 50],
};

export const COLOUR_NAMES: readonly string[] = Object.keys(COLOURS);

/** The named colour that is nearest to the mean of the middle third. */
function middleColour(pixels: Buffer): string {
  const [from, to] = [SIZE / 3, (2 * SIZE) / 3];
  const sums = [0, 0, 0];
  for (let y = from; y < to; y++) {
    for (let x = from; x < to; x++) {
      for (let channel = 0; channel < 3; channel++) {
        sums[channel] = (sums[channel] ?? 0) + byte(pixels, (y * SIZE + x) * 3 + channel);
      }
    }
  }
  const mean = sums.map((sum) => sum / (to - from) ** 2);
  const distance = (colour: readonly number[]) =>
    colour.reduce((sum, value, channel) => sum + (value - (mean[channel] ?? 0)) ** 2, 0);
  const [nearest] = Object.entries(COLOURS).toSorted(([, a], [, b]) => distance(a) - distance(b));
  return nearest?.[0] ?? 'unknown';
}

/** 12 × 12 blocks of four grey levels a colour: the same picture saved again mostly stays the same. */
function coarse(pixels: Buffer): Buffer {
  const block = SIZE / 12;
  const levels = Buffer.alloc(12 * 12 * 3);
  for (let y = 0; y < SIZE; y += block) {
    for (let x = 0; x < SIZE; x += block) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let dy = 0; dy < block; dy++) {
          for (let dx = 0; dx < block; dx++) sum += byte(pixels, ((y + dy) * SIZE + x + dx) * 3 + channel);
        }
        levels[((y / block) * 12 + x / block) * 3 + channel] = Math.round(sum / (block * block) / 16);
      }
    }
  }
  return levels;
}

function byte(pixels: Buffer, index: number): number {
  return pixels[index] ?? 0;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
