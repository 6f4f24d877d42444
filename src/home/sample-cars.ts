import { LOT_FLAGS } from '../assessment/lot-flags.js';
import { codesOf } from '../assessment/part-rules.js';
import { usualParts } from '../assessment/usual-parts.js';
import type { Colour } from '../assessment/vehicle.js';
import type { VisionRows } from '../assessment/vision-rows.js';
import { DRAWN_VIEWS, drawing, type DrawnView } from './car-drawing.js';
import {
  BUMPER_CRACK,
  CRACK,
  DENT,
  FAINT_RUST,
  FENDER_DENT,
  LAMP,
  MIRROR,
  RIM_SCRAPES,
  RUST,
  SCRATCH,
  SCUFF,
  TAIL_LIGHT,
  TAILGATE_DENT,
  type DrawnDamage,
} from './drawn-damages.js';

export interface SampleCar {
  readonly name: string;
  readonly colour: Colour;
  /** What its seller says of it; a few name another colour than the photos show. */
  readonly listing: string;
  /** In the order in which its photos are sent. */
  readonly views: readonly DrawnView[];
  readonly damages: readonly DrawnDamage[];
}

const PAINTS = {
  blue: '#2f5d9b',
  red: '#a32a24',
  green: '#2d6a45',
  grey: '#5c6268',
  brown: '#5f432f',
  yellow: '#b98d12',
} as const satisfies Partial<Record<Colour, string>>;
type Paint = keyof typeof PAINTS;

const sample = (name: Paint, damages: readonly DrawnDamage[]): SampleCar => ({
  name,
  colour: name,
  listing: `saloon, ${name}`,
  views: DRAWN_VIEWS,
  damages,
});

/** The cars of the page's form. The first is the one that the page shows. */
export const SAMPLE_CARS: readonly SampleCar[] = [
  sample('blue', [SCRATCH, RUST, LAMP, SCUFF]),
  sample('red', [DENT, CRACK]),
  sample('green', []),
];

const DAMAGES = [
  SCRATCH,
  BUMPER_CRACK,
  DENT,
  TAIL_LIGHT,
  RIM_SCRAPES,
  CRACK,
  FENDER_DENT,
  SCUFF,
  RUST,
  MIRROR,
  TAILGATE_DENT,
  FAINT_RUST,
  LAMP,
];
const ANGLES: readonly (readonly DrawnView[])[] = [
  DRAWN_VIEWS,
  ['left', 'front', 'right'],
  ['front', 'right', 'rear'],
  ['rear', 'left'],
];
const MOST_MARKS = 5;

/** A night's catalogue: 24 cars, of which no two have the same paint, damage and photos. */
export const CATALOGUE: readonly SampleCar[] = Array.from({ length: 24 }, (_, index) => {
  const paints = Object.keys(PAINTS) as Paint[];
  const colour = paints[index % paints.length] as Paint;
  const views = ANGLES[(index + Math.floor(index / paints.length)) % ANGLES.length] as readonly DrawnView[];
  const damages = Array.from(
    { length: index % MOST_MARKS },
    (_one, mark) => DAMAGES[(index * 3 + mark * 4) % DAMAGES.length] as DrawnDamage,
  );
  const listed = index % 8 === 7 ? 'white' : colour;
  return { name: `lot-${index + 1}`, colour, listing: `saloon, ${listed}`, views, damages: seenIn(views, damages) };
});

export const DRAWN_CARS: readonly SampleCar[] = [...SAMPLE_CARS, ...CATALOGUE];

/** What a photo says of itself, in the form that the sandbox reads (packages/openai-sandbox/README.md). */
interface DrawnTruth {
  readonly view: DrawnView;
  readonly vehicle: Readonly<Record<'kind' | 'body' | 'colour' | 'doors', string>>;
  readonly damages: readonly Readonly<Record<string, string | boolean>>[];
}

export interface SamplePhoto {
  readonly view: DrawnView;
  readonly svg: string;
  readonly shows: DrawnTruth;
}

const VEHICLE = { kind: 'car', body: 'saloon', doors: 'four' } as const;

/** A car's photos, in the order in which they are sent. */
export function photosOf({ colour, views, damages }: SampleCar): SamplePhoto[] {
  return views.map((view) => {
    const marked = damages.flatMap(({ marks, row }) => {
      const mark = marks[view];
      return mark === undefined ? [] : [{ mark, row, clearest: clearestView(marks, views) === view }];
    });
    return {
      view,
      svg: drawing(
        view,
        PAINTS[colour as Paint],
        marked.map(({ mark }) => mark.svg),
      ),
      shows: {
        view,
        vehicle: { ...VEHICLE, colour },
        damages: marked.map(({ mark, row, clearest }) => ({ ...row, in_picture: mark.in_picture, clearest })),
      },
    };
  });
}

/** What a careful viewer would write of the photos: what was drawn, and nothing else. */
export function rowsOfCar({ colour, listing, views, damages }: SampleCar): VisionRows {
  const numberOf = (view: DrawnView) => views.indexOf(view) + 1;
  return {
    vehicle: { ...VEHICLE, count: 1, colour, photos: views.map(numberOf) },
    photos: views.map((view) => ({
      number: numberOf(view),
      view,
      looking: 'unknown',
      visible_parts: [
        ...new Set([
          ...usualParts(view, 'car'),
          ...damages.flatMap(({ marks, row }) => (marks[view] === undefined ? [] : [row.part])),
        ]),
      ],
      issues: [],
    })),
    interior: { state: 'unknown', photos: [] },
    tyres: { state: 'unknown', photos: [] },
    listing_mismatch: listing.includes(colour) ? [] : ['colour'],
    ignored: [],
    findings: damages.map(({ marks, row }) => {
      const viewpoint = clearestView(marks, views);
      const others = views.filter((view) => view !== viewpoint && marks[view] !== undefined);
      return {
        ...row,
        photos: [viewpoint, ...others].map(numberOf),
        viewpoint,
        in_picture: marks[viewpoint]?.in_picture ?? 'middle',
        nearness: 'n/a',
        note: null,
      };
    }),
    flags: Object.fromEntries(
      codesOf(LOT_FLAGS).map((flag) => [flag, { value: 'unknown', photos: [] }]),
    ) as unknown as VisionRows['flags'],
    not_visible: [
      ...(['front', 'rear'] as const).filter((end) => !views.includes(end)),
      ...unseenSides(views),
      ...UNSEEN,
    ],
    readings: [],
  };
}

const UNSEEN = ['roof', 'underbody', 'interior', 'engine_bay'] as const;

function unseenSides(views: readonly DrawnView[]) {
  return (['left', 'right'] as const).filter((side) => !views.includes(side)).map((side) => `${side}_side` as const);
}

/** The view that a finding speaks of: the first of those that show it. */
function clearestView(marks: DrawnDamage['marks'], views: readonly DrawnView[]): DrawnView {
  return (Object.keys(marks) as DrawnView[]).find((view) => views.includes(view)) as DrawnView;
}

/** The damage that these views show. A car has no other: nothing is drawn that no photo shows. */
function seenIn(views: readonly DrawnView[], damages: readonly DrawnDamage[]): DrawnDamage[] {
  return damages.filter(({ marks }) => views.some((view) => marks[view] !== undefined));
}
