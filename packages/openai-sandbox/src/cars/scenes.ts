import type { JsonObject } from '../json.js';
import { VIEW_FACTS } from './car-parts.js';
import { fitSchema } from './fit-schema.js';
import { LOT_SCENES } from './lot-scenes.js';
import { ODD_SCENES } from './odd-scenes.js';
import { playedNote } from './played-notes.js';
import type { Scene, SceneRow } from './scene-rows.js';

const SCENES: Readonly<Record<string, Scene>> = { ...LOT_SCENES, ...ODD_SCENES };
export const SCENE_NAMES: readonly string[] = Object.keys(SCENES);

const MARKER = /\bsandbox-scene:([a-z_]+)/;

/** The scene that the listing's own words ask for, for whoever can send a lot and no fault rule: `sandbox-scene:crash`. */
export function sceneAskedFor(userTexts: readonly string[]): string | undefined {
  return userTexts.map((text) => MARKER.exec(text)?.[1]).find((name) => name !== undefined);
}

/**
 * The rows of a scene, fitted to what the schema asks for; `old_schema` answers by the schema of before, whatever is asked.
 * @throws Error for a scene that there is not
 */
export function playedAnswer(name: string, schema: JsonObject, numbers: readonly number[]): unknown {
  const scene = Object.hasOwn(SCENES, name) ? SCENES[name] : undefined;
  if (scene === undefined) throw new Error(`there is no scene '${name}'; there are ${SCENE_NAMES.join(', ')}`);
  return scene.old === undefined ? fitSchema(schema, factsOf(scene, numbers)) : oldAnswer(scene, scene.old, numbers);
}

/** The photos of the lot, and which of them is which view. */
interface Cast {
  readonly views: readonly { readonly number: number; readonly view: string }[];
  readonly photo: (seen: string | number) => number;
}

function cast(scene: Scene, numbers: readonly number[]): Cast {
  const shift = (scene.firstNumber ?? 1) - 1;
  const views = numbers.map((number, index) => ({
    number: number + shift,
    view: scene.views[index % scene.views.length] ?? 'detail',
  }));
  return {
    views,
    photo: (seen) =>
      typeof seen === 'number' ? seen : (views.find(({ view }) => view === seen)?.number ?? numbers.at(-1) ?? 1),
  };
}

function factsOf(scene: Scene, numbers: readonly number[]): JsonObject {
  const { views, photo } = cast(scene, numbers);
  const described = scene.firstNumber === null ? [] : views;
  const inside = described.filter(({ view }) => view === 'interior').map(({ number }) => number);
  const outside = described.filter(({ view }) => VIEW_FACTS[view] !== undefined).map(({ number }) => number);
  const flanks = described.filter(({ view }) => /left|right/.test(view)).map(({ number }) => number);
  const shown = outside.length > 0 ? outside : inside;
  const unknown = { kind: 'car', count: 1, body: 'unknown', colour: 'unknown', doors: 'unknown' };
  return {
    vehicle: { ...unknown, ...scene.vehicle, photos: scene.vehicle === undefined ? [] : shown.slice(0, 2) },
    photos: described.map(({ number, view }) => ({
      number,
      view,
      hidden_parts: scene.hidden?.[view] ?? [],
      also_visible: scene.also?.[view] ?? [],
      issues: scene.issues ?? [],
    })),
    looking: scene.looking === undefined ? [] : inside.map((number) => ({ photo: number, direction: scene.looking })),
    interior: { state: scene.interior ?? 'unknown', photos: scene.interior === undefined ? [] : inside },
    tyres: { state: scene.tyres ?? 'unknown', photos: scene.tyres === undefined ? [] : flanks },
    listing_mismatch: scene.mismatch ?? [],
    ignored: (scene.ignored ?? []).map(({ view, kind }) => ({ photo: photo(view), kind })),
    findings: (scene.findings ?? []).map((row) => rowFacts(row, photo)),
    flags: Object.entries(scene.flags ?? {}).map(([flag, seen]) => ({ flag, photos: seen.map(photo) })),
    unclear_flags: scene.unclear ?? [],
    not_visible: scene.not_visible ?? [],
    readings: (scene.readings ?? []).map(({ kind, value, view }) => ({ kind, value, photo: photo(view) })),
  };
}

function rowFacts({ seen, ...row }: SceneRow, photo: Cast['photo']): JsonObject {
  const [first] = seen;
  return {
    viewpoint: typeof first === 'string' ? first : 'left',
    in_picture: 'middle',
    nearness: 'n/a',
    side: 'n/a',
    end: 'n/a',
    zone: 'unknown',
    extent: 'unknown',
    count: 'one',
    through: 'none',
    severity: 'unknown',
    confidence: 'high',
    note: playedNote(row.type),
    ...row,
    photos: seen.map(photo),
  };
}

const FLAGS = [
  'airbags_deployed',
  'structural_suspected',
  'fire',
  'flood_signs',
  'hail',
  'prior_repair_signs',
  'stripped_parts',
  'fluid_leak',
];

function oldAnswer(
  scene: Scene,
  { description, remark }: NonNullable<Scene['old']>,
  numbers: readonly number[],
): JsonObject {
  const { views, photo } = cast(scene, numbers);
  return {
    photos: views.map(({ number, view }) => ({
      number,
      view,
      visible_parts: VIEW_FACTS[view]?.bands.flat() ?? [],
      issues: scene.issues ?? [],
    })),
    ignored: [],
    findings: (scene.findings ?? []).map((row) => {
      const facts = rowFacts(row, photo);
      const names = ['photos', 'viewpoint', 'in_picture', 'part', 'side', 'end', 'type', 'severity', 'confidence'];
      return { ...Object.fromEntries(names.map((name) => [name, facts[name]])), description };
    }),
    flags: Object.fromEntries(
      FLAGS.map((flag) => {
        const seen = scene.flags?.[flag];
        return [flag, { value: seen === undefined ? 'unknown' : 'yes', photos: (seen ?? []).map(photo) }];
      }),
    ),
    not_visible: scene.not_visible ?? [],
    readings: (scene.readings ?? []).map(({ kind, value, view }) => ({ kind, value, photo: photo(view) })),
    remarks: [{ photo: numbers[0] ?? 1, text: remark }],
  };
}
