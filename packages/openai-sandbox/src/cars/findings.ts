import { pick } from '../seeded.js';
import { fitsPosition, NAMED_BESIDES, PART_FACTS, placeOf, VIEW_FACTS, VIEW_NAMES } from './car-parts.js';
import type { DrawnPhoto } from './drawn-photo.js';
import { COLUMNS, ROWS, type Cell, type PhotoLook } from './photo-look.js';

/** One damage that the simulation claims to see. */
export interface SimulatedFinding {
  readonly photo: number;
  readonly view: string;
  readonly position: string;
  readonly part: string;
  readonly side: string;
  readonly end: string;
  readonly type: string;
  /** Where on the part, and how far. */
  readonly zone: string;
  readonly extent: string;
  readonly count: string;
  readonly through: string;
  readonly severity: string;
  readonly confidence: string;
  /** How much the place differs from the photo, in standard deviations. */
  readonly salience: number;
}

/** What the simulation makes of one photo. */
export interface SimulatedPhoto {
  readonly number: number;
  readonly view: string;
  readonly parts: readonly string[];
  /** Those of them that such a view does not show as a rule. */
  readonly besides: readonly string[];
  readonly issues: readonly string[];
  readonly lookAlikes: readonly string[];
  readonly findings: readonly SimulatedFinding[];
  readonly colour: string;
  /** As a drawn photo says it; null: made up from the pixels. */
  readonly body: string | null;
}

/** Below this spread of brightness a photo shows nothing: a grey card, a black frame. */
const FLAT_SPREAD = 6;
/** Below this difference between neighbouring pixels it only shows a smooth gradient and no object. */
const FLAT_EDGES = 1.2;
/** A field this far above its photo's mean is taken for damage. */
const SALIENT = 1.7;
/** Share of a field's pixels in a marker's colour. */
const MARKED = 0.02;
const MOST_MARKED = 6;
const MOST_FINDINGS = 3;

const THROUGH: Readonly<Record<string, string>> = {
  paint_chip: 'paint',
  paint_peeling: 'paint',
  hole: 'metal',
  shattered_glass: 'glass',
  tear: 'fabric',
};

/** Turns the figures of a photo into a view, parts, issues and findings; pure, so the same pixels say the same. */
export function readPhoto(number: number, look: PhotoLook, isDuplicate: boolean): SimulatedPhoto {
  const duplicate = isDuplicate ? ['duplicate'] : [];
  if (look.drawn !== null) return readDrawing(number, look.drawn, duplicate);
  if (look.spread < FLAT_SPREAD || look.edges < FLAT_EDGES) {
    return {
      number,
      view: 'unusable',
      parts: [],
      besides: [],
      issues: ['not_a_vehicle', ...duplicate],
      lookAlikes: [],
      findings: [],
      colour: 'unknown',
      body: null,
    };
  }
  const view = pick(VIEW_NAMES, look.fingerprint, 'view');
  const bands = VIEW_FACTS[view]?.bands ?? [[], [], []];
  const parts = bands.flat();
  return {
    number,
    view,
    parts,
    besides: parts.filter((part) => NAMED_BESIDES.has(part)),
    issues: [...issuesOf(look), ...duplicate],
    lookAlikes: look.cells.some((cell) => cell.luma > 245) ? ['reflection'] : [],
    findings: isDuplicate ? [] : findingsOf(number, view, look),
    colour: look.colour,
    body: null,
  };
}

/** What a drawn photo shows, and nothing else: its damage, and the parts that such a view shows. */
function readDrawing(number: number, { view, vehicle, damages }: DrawnPhoto, issues: string[]): SimulatedPhoto {
  const usual = (VIEW_FACTS[view]?.bands.flat() ?? []).filter((part) => !NAMED_BESIDES.has(part));
  const damaged = damages.map(({ words }) => words['part'] ?? 'other');
  const besides = [...new Set(damaged)].filter((part) => !usual.includes(part));
  return {
    number,
    view,
    parts: [...usual, ...besides],
    besides,
    issues,
    lookAlikes: [],
    findings: damages.map(({ words, clearest }, index) => ({
      photo: number,
      view,
      position: words['in_picture'] ?? 'middle',
      part: damaged[index] ?? 'other',
      side: words['side'] ?? 'n/a',
      end: words['end'] ?? 'n/a',
      type: words['type'] ?? 'other',
      zone: words['zone'] ?? 'unknown',
      extent: words['extent'] ?? 'unknown',
      count: words['count'] ?? 'one',
      through: words['through'] ?? 'none',
      severity: words['severity'] ?? 'unknown',
      confidence: words['confidence'] ?? 'high',
      salience: clearest ? 2 : 1,
    })),
    colour: vehicle['colour'] ?? 'unknown',
    body: vehicle['body'] ?? null,
  };
}

function issuesOf(look: PhotoLook): string[] {
  const issues: string[] = [];
  if (look.edges < 5) issues.push('blur');
  if (look.luma < 45) issues.push('too_dark');
  if (look.luma > 225) issues.push('overexposed');
  if (Math.min(look.width, look.height) < 300) issues.push('too_small');
  return issues;
}

function findingsOf(number: number, view: string, look: PhotoLook): SimulatedFinding[] {
  const marked = look.cells.filter((cell) => markOf(cell) !== null);
  // A brown wall or a red car is no marker: those are small.
  const places =
    marked.length > 0 && marked.length <= MOST_MARKED
      ? marked.map((cell) => ({ cell, salience: 3 }))
      : salientCells(look);
  const found = new Map<string, SimulatedFinding>();
  for (const { cell, salience } of places) {
    const finding = findingAt(number, view, look, cell, salience);
    const key = `${finding.part} ${finding.side} ${finding.type}`;
    if (!found.has(key)) found.set(key, finding);
    if (found.size === MOST_FINDINGS) break;
  }
  return [...found.values()];
}

/** The fields that differ most from their photo, largest first. The outermost columns are mostly background. */
function salientCells(look: PhotoLook): { cell: Cell; salience: number }[] {
  const mean = look.edges;
  const squares = look.cells.reduce((sum, cell) => sum + (cell.edges - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / look.cells.length) || 1;
  return look.cells
    .filter((cell) => cell.column > 0 && cell.column < COLUMNS - 1)
    .map((cell) => ({ cell, salience: (cell.edges - mean) / deviation }))
    .filter(({ salience }) => salience >= SALIENT)
    .toSorted((a, b) => b.salience - a.salience);
}

function findingAt(number: number, view: string, look: PhotoLook, cell: Cell, salience: number): SimulatedFinding {
  const position = cell.column < COLUMNS / 3 ? 'left' : cell.column < (2 * COLUMNS) / 3 ? 'middle' : 'right';
  const bands = VIEW_FACTS[view]?.bands ?? [[], [], []];
  const all = bands[cell.row === 0 ? 0 : cell.row === ROWS - 1 ? 2 : 1] ?? [];
  const band = all.filter((name) => fitsPosition(name, view, position));
  const mark = markOf(cell);
  const usable = band.filter((part) => mark === null || PART_FACTS[part]?.types.some((type) => mark.includes(type)));
  const part = pick(usable.length > 0 ? usable : band, look.fingerprint, cell.column, cell.row);
  const types = PART_FACTS[part]?.types ?? [];
  const fitting = types.filter((type) => (mark ?? typesFor(cell, look)).includes(type));
  const type = pick(fitting.length > 0 ? fitting : types, look.fingerprint, cell.column, cell.row, 'type');
  return {
    photo: number,
    view,
    position,
    part,
    ...placeOf(part, view, position),
    type,
    count: 'one',
    through: THROUGH[type] ?? 'none',
    zone: cell.row === 0 ? 'upper_half' : cell.row === ROWS - 1 ? 'lower_half' : 'middle',
    extent: salience > 3 ? 'long' : salience > 2.3 ? 'hand' : 'spot',
    severity: salience > 3 ? 'severe' : salience > 2.3 ? 'moderate' : 'minor',
    confidence: salience > 2.6 ? 'high' : salience > 2 ? 'medium' : 'low',
    salience,
  };
}

/** The types that a drawn marker stands for: magenta a blow, cyan broken glass or lamps, brown rust. */
function markOf(cell: Cell): readonly string[] | null {
  if (cell.magenta >= MARKED) return ['dent', 'deformation', 'crack'];
  if (cell.cyan >= MARKED) return ['shattered_glass', 'glass_chip', 'broken'];
  return cell.rust >= 4 * MARKED ? ['corrosion'] : null;
}

/** Bright spots read as scratches and chips, dark ones as deformation and breakage, the rest as dents and scuffs. */
function typesFor(cell: Cell, look: PhotoLook): readonly string[] {
  if (cell.luma > look.luma + 25) return ['scratch', 'paint_chip', 'glass_chip', 'curb_rash', 'lens_haze'];
  if (cell.luma < look.luma - 25) return ['deformation', 'broken', 'shattered_glass', 'detached', 'flat_tyre', 'crack'];
  return ['dent', 'scuff', 'crack', 'tyre_wear', 'paint_peeling'];
}
