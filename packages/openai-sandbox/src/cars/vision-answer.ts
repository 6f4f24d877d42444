import type { JsonObject } from '../json.js';
import type { SeenPhoto } from '../simulation.js';
import { AREA_NAMES, VIEW_FACTS } from './car-parts.js';
import { readPhoto, type SimulatedFinding, type SimulatedPhoto } from './findings.js';
import { fitSchema } from './fit-schema.js';
import type { PhotoLook } from './photo-look.js';

/**
 * The answer to a request with photos: what the schema asks for, filled from the photos' pixels.
 * A flat photo gives no finding; another photo gives another answer; the same one the same.
 */
export function visionAnswer(schema: JsonObject, photos: readonly SeenPhoto<PhotoLook>[]): unknown {
  const seen = new Set<string>();
  const read = photos.map(({ number, look }) => {
    const isDuplicate = seen.has(look.fingerprint);
    seen.add(look.fingerprint);
    return readPhoto(number, look, isDuplicate);
  });
  return fitSchema(schema, factsOf(read, photos));
}

/** Everything the simulation can say, under the names that schemas of this field use. */
function factsOf(read: readonly SimulatedPhoto[], photos: readonly SeenPhoto<PhotoLook>[]): JsonObject {
  const findings = mergeFindings(read).map(findingFacts);
  const photoRows = read.map(({ number, view, parts, issues }) => ({
    number,
    photo: number,
    view,
    visible_parts: parts,
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
    flags: flagFacts(read),
    readings: [],
    remarks: [remark],
    summary: remark.text,
  };
}

function remarkText(photos: readonly SeenPhoto<PhotoLook>[]): string {
  const unopened = photos.some(({ look }) => !look.opened);
  const how = unopened ? 'made up from the addresses, no photo was opened' : 'derived from pixel statistics';
  return `Simulated: this assessment is ${how}; no model looked at the vehicle.`;
}

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
  const { photo, view, position, part, side, end, type, severity, confidence } = clearest;
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
    type,
    severity,
    confidence,
    description: `Simulated: ${type.replaceAll('_', ' ')} in ${where}.`,
  };
}

/** Flags follow from the findings; of a lot that no photo shows nothing is known. */
function flagFacts(read: readonly SimulatedPhoto[]): JsonObject {
  const types = new Set(read.flatMap(({ findings }) => findings.map(({ type }) => type)));
  const photos = read.filter(({ parts }) => parts.length > 0).map(({ number }) => number);
  const none = { value: photos.length === 0 ? 'unknown' : 'no', photos: [] };
  const hail = types.has('hail_dents') ? { value: 'yes', photos: photos.slice(0, 1) } : none;
  const names = ['airbags_deployed', 'fire', 'prior_repair_signs', 'stripped_parts', 'structural_suspected'];
  return { ...Object.fromEntries(names.map((name) => [name, none])), hail };
}
