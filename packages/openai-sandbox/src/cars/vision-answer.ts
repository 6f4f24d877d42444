import { isObject, type JsonObject } from '../json.js';
import { pick } from '../seeded.js';
import type { SeenPhoto } from '../simulation.js';
import { AREA_NAMES, nearnessOf, VIEW_FACTS } from './car-parts.js';
import { readPhoto, type SimulatedFinding, type SimulatedPhoto } from './findings.js';
import { fitSchema } from './fit-schema.js';
import { COLOUR_NAMES, type PhotoLook } from './photo-look.js';
import { playedNote } from './played-notes.js';
import { playedAnswer } from './scenes.js';

/**
 * The answer to a request with photos: what the schema asks for, filled from the photos' pixels, or the rows of a scene.
 * A flat photo gives no finding; another photo gives another answer; the same one the same. Of a drawn photo that says what it
 * shows, that is found.
 */
export function visionAnswer(
  schema: JsonObject,
  photos: readonly SeenPhoto<PhotoLook>[],
  scene: string | undefined,
  userTexts: readonly string[] = [],
): unknown {
  if (scene !== undefined)
    return playedAnswer(
      scene,
      schema,
      photos.map(({ number }) => number),
    );
  const seen = new Set<string>();
  const read = photos.map(({ number, look }) => {
    const isDuplicate = seen.has(look.fingerprint);
    seen.add(look.fingerprint);
    return readPhoto(number, look, isDuplicate);
  });
  const mismatch = { listing_mismatch: mismatchOf(read, userTexts) };
  return fitSchema(schema, { ...factsOf(read, photos), ...flagFacts(read, schema), ...mismatch });
}

/** Everything the simulation can say, under the names that schemas of this field use. */
function factsOf(read: readonly SimulatedPhoto[], photos: readonly SeenPhoto<PhotoLook>[]): JsonObject {
  const findings = mergeFindings(read).map(findingFacts);
  const photoRows = read.map(({ number, view, parts, besides, issues }) => ({
    number,
    photo: number,
    view,
    visible_parts: parts,
    hidden_parts: [],
    also_visible: besides,
    issues,
    usable: parts.length > 0,
  }));
  const shown = new Set(read.flatMap(({ view }) => VIEW_FACTS[view]?.areas ?? []));
  const notVisible = AREA_NAMES.filter((area) => !shown.has(area));
  const ignored = read.flatMap(({ number, lookAlikes }) => lookAlikes.map((kind) => ({ photo: number, kind })));
  const first = read.find(({ parts }) => parts.length > 0) ?? read[0];
  const remark = { photo: first?.number ?? 1, text: remarkText(photos) };
  return {
    photos: photoRows,
    images: photoRows,
    findings,
    damages: findings,
    rows: findings,
    ignored,
    not_visible: notVisible,
    ...vehicleFacts(read),
    readings: [],
    remarks: [remark],
    summary: remark.text,
  };
}

function remarkText(photos: readonly SeenPhoto<PhotoLook>[]): string {
  const unopened = photos.some(({ look }) => !look.opened);
  const drawn = photos.every(({ look }) => look.drawn !== null);
  const opened = drawn ? 'read from what drawn photos say of themselves' : 'derived from pixel statistics';
  const how = unopened ? 'made up from the addresses, no photo was opened' : opened;
  return `Simulated: this assessment is ${how}; no model looked at the vehicle.`;
}

/** A drawn car has one colour; a listing that names another one is about another car. */
function mismatchOf(read: readonly SimulatedPhoto[], userTexts: readonly string[]): string[] {
  const drawn = read.find(({ body }) => body !== null)?.colour;
  const listed = userTexts.map((text) => COLOUR_WORD.exec(text)?.[0]).find((word) => word !== undefined);
  return drawn === undefined || listed === undefined || listed === drawn ? [] : ['colour'];
}

const COLOUR_WORD = new RegExp(`\\b(?:${COLOUR_NAMES.join('|')})\\b`);

/** The same damage seen in several photos is one row that names them all, the clearest first. */
function mergeFindings(read: readonly SimulatedPhoto[]): SimulatedFinding[][] {
  const merged = new Map<string, SimulatedFinding[]>();
  for (const finding of read.flatMap(({ findings }) => findings)) {
    const key = [finding.part, finding.side, finding.end, finding.type].join(' ');
    const same = merged.get(key);
    if (same === undefined) merged.set(key, [finding]);
    else same.push(finding);
  }
  return [...merged.values()].map((same) => same.toSorted((a, b) => b.salience - a.salience));
}

function findingFacts(same: readonly SimulatedFinding[]): JsonObject {
  const clearest = same[0];
  if (clearest === undefined) return {};
  const { photo, view, position, part, side, end, type, zone, extent, count, through, severity, confidence } = clearest;
  const numbers = same.map((finding) => finding.photo);
  const where = `the ${position} of photo ${photo}`;
  return {
    photos: numbers,
    photo,
    viewpoint: view,
    view,
    in_picture: position,
    part,
    side,
    end,
    nearness: nearnessOf(view, side),
    type,
    zone,
    extent,
    count,
    through,
    severity,
    confidence,
    note: playedNote(type),
    description: `Simulated: ${type.replaceAll('_', ' ')} in ${where}.`,
  };
}

/** The vehicle as the pixels have it: a colour from the middle of a photo; what they cannot tell is made up once for all its photos. */
function vehicleFacts(read: readonly SimulatedPhoto[]): JsonObject {
  const shown = read.filter(({ parts }) => parts.length > 0);
  const [first] = shown;
  const tread = shown
    .filter(({ parts, body: told }) => parts.includes('tyre') && told === null)
    .map(({ number }) => number);
  const worn = shown.some(({ findings }) => findings.some(({ type }) => type === 'tyre_wear' || type === 'flat_tyre'));
  const kind = first === undefined ? 'none' : 'car';
  const madeUp = first === undefined ? 'unknown' : pick(Object.keys(DOORS), first.colour, first.view);
  const body = first?.body ?? madeUp;
  return {
    vehicle: {
      kind,
      count: first === undefined ? 0 : 1,
      body,
      colour: first?.colour ?? 'unknown',
      doors: DOORS[body] ?? 'unknown',
      photos: shown.map(({ number }) => number).slice(0, 2),
    },
    interior: { state: 'unknown', photos: [] },
    tyres:
      tread.length === 0
        ? { state: 'unknown', photos: [] }
        : { state: worn ? 'tread_low' : 'tread_visible', photos: tread },
  };
}

const DOORS: Readonly<Record<string, string>> = { saloon: 'four', estate: 'five', hatchback: 'five', suv: 'five' };

const DENIED = ['airbags_deployed', 'fire', 'prior_repair_signs', 'stripped_parts', 'structural_suspected'];
const NOT_TOLD = ['flood_signs', 'fluid_leak'];

/**
 * Flags follow from the findings; of a lot that no photo shows nothing is known. A schema wants them all as members, or a list of those
 * that are raised and one of those that cannot be told.
 */
function flagFacts(read: readonly SimulatedPhoto[], schema: JsonObject): JsonObject {
  const types = new Set(read.flatMap(({ findings }) => findings.map(({ type }) => type)));
  const photos = read.filter(({ parts }) => parts.length > 0).map(({ number }) => number);
  const hail = types.has('hail_dents') ? photos.slice(0, 1) : [];
  if (wantsList(schema, 'flags')) {
    return {
      flags: hail.length === 0 ? [] : [{ flag: 'hail', photos: hail }],
      unclear_flags: photos.length === 0 ? [...DENIED, ...NOT_TOLD, 'hail'] : NOT_TOLD,
    };
  }
  const none = { value: photos.length === 0 ? 'unknown' : 'no', photos: [] };
  return {
    flags: {
      ...Object.fromEntries(DENIED.map((name) => [name, none])),
      hail: hail.length === 0 ? none : { value: 'yes', photos: hail },
    },
  };
}

function wantsList(schema: JsonObject, member: string): boolean {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const wanted = properties[member];
  return isObject(wanted) && wanted['type'] === 'array';
}
