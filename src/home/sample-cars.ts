import { LOT_FLAGS } from '../assessment/lot-flags.js';
import { codesOf } from '../assessment/part-rules.js';
import { usualParts } from '../assessment/usual-parts.js';
import type { Colour } from '../assessment/vehicle.js';
import type { FindingRow, VisionRows } from '../assessment/vision-rows.js';
import { DRAWN_VIEWS, drawing, type DrawnView } from './car-drawing.js';

/** A damage as it is drawn, and as a row says it: one place for both, so that the findings are what the picture shows. */
interface DrawnDamage {
  /** By view; the first one named is the view that the row speaks of. */
  readonly marks: Partial<Readonly<Record<DrawnView, string>>>;
  readonly row: Omit<FindingRow, 'photos' | 'viewpoint' | 'confidence' | 'nearness' | 'note'>;
}

const SCRATCH: DrawnDamage = {
  marks: {
    left: '<g stroke="#e9e4da" stroke-width="4" fill="none"><path d="M536 378 l150 -14 M548 394 l136 -10 M580 410 l90 4"/></g>',
  },
  row: {
    in_picture: 'middle',
    part: 'door',
    side: 'left',
    end: 'front',
    type: 'scratch',
    severity: 'moderate',
    zone: 'middle',
    extent: 'long',
    count: 'few',
    through: 'paint',
  },
};

const RUST: DrawnDamage = {
  marks: {
    left: '<g fill="#8a4b1d"><circle cx="176" cy="408" r="18"/><circle cx="202" cy="396" r="11"/><circle cx="158" cy="424" r="10"/></g>',
  },
  row: {
    in_picture: 'right',
    part: 'quarter_panel',
    side: 'left',
    end: 'rear',
    type: 'corrosion',
    severity: 'minor',
    zone: 'lower_half',
    extent: 'hand',
    count: 'few',
    through: 'none',
  },
};

const LAMP: DrawnDamage = {
  marks: {
    front:
      '<g stroke="#111" stroke-width="4" fill="none"><path d="M628 360 l24 20 -14 14 30 10 M664 358 l-8 22 30 18 M690 362 l-16 24"/></g>',
    left: '<g stroke="#111" stroke-width="3" fill="none"><path d="M834 356 l18 12 -10 14 20 8 M866 354 l-8 18 14 14"/></g>',
  },
  row: {
    in_picture: 'right',
    part: 'headlight',
    side: 'left',
    end: 'front',
    type: 'broken',
    severity: 'severe',
    zone: 'unknown',
    extent: 'whole_part',
    count: 'one',
    through: 'none',
  },
};

const SCUFF: DrawnDamage = {
  marks: {
    rear: '<g stroke="#dcd8cf" stroke-width="6" opacity="0.85"><path d="M620 452 l98 -6 M634 466 l86 -4 M612 480 l96 -2"/></g>',
  },
  row: {
    in_picture: 'right',
    part: 'bumper',
    side: 'right',
    end: 'rear',
    type: 'scuff',
    severity: 'minor',
    zone: 'corner',
    extent: 'hand',
    count: 'one',
    through: 'none',
  },
};

const DENT: DrawnDamage = {
  marks: {
    right:
      '<ellipse cx="424" cy="392" rx="66" ry="36" fill="#000" opacity="0.35"/><ellipse cx="412" cy="382" rx="42" ry="19" fill="#fff" opacity="0.25"/>',
  },
  row: {
    in_picture: 'middle',
    part: 'door',
    side: 'right',
    end: 'rear',
    type: 'dent',
    severity: 'moderate',
    zone: 'middle',
    extent: 'hand',
    count: 'one',
    through: 'none',
  },
};

const CRACK: DrawnDamage = {
  marks: {
    front:
      '<g stroke="#fdfdfd" stroke-width="3" fill="none"><path d="M432 232 l-60 -22 M432 232 l-30 44 M432 232 l74 26 54 -8 M432 232 l44 -34 M432 232 l-4 46"/></g>',
  },
  row: {
    in_picture: 'middle',
    part: 'windshield',
    side: 'center',
    end: 'front',
    type: 'crack',
    severity: 'severe',
    zone: 'middle',
    extent: 'long',
    count: 'one',
    through: 'glass',
  },
};

export interface SampleCar {
  readonly name: string;
  readonly colour: Colour;
  readonly paint: string;
  readonly damages: readonly DrawnDamage[];
}

/** The first is the one that the page shows. */
export const SAMPLE_CARS: readonly SampleCar[] = [
  { name: 'blue', colour: 'blue', paint: '#2f5d9b', damages: [SCRATCH, RUST, LAMP, SCUFF] },
  { name: 'red', colour: 'red', paint: '#a32a24', damages: [DENT, CRACK] },
  { name: 'green', colour: 'green', paint: '#2d6a45', damages: [] },
];

export interface SamplePhoto {
  readonly view: DrawnView;
  readonly svg: string;
}

/** A car's photos, in the order in which they are sent. */
export function photosOf({ paint, damages }: SampleCar): SamplePhoto[] {
  return DRAWN_VIEWS.map((view) => ({
    view,
    svg: drawing(
      view,
      paint,
      damages.flatMap(({ marks }) => marks[view] ?? []),
    ),
  }));
}

/** What a careful viewer would write of the photos: what was drawn, and nothing else. */
export function rowsOfCar({ colour, damages }: SampleCar): VisionRows {
  const numbersOf = (views: readonly DrawnView[]) => views.map((view) => DRAWN_VIEWS.indexOf(view) + 1);
  const all = numbersOf(DRAWN_VIEWS);
  return {
    vehicle: { kind: 'car', count: 1, body: 'saloon', colour, doors: 'four', photos: all },
    photos: DRAWN_VIEWS.map((view, index) => ({
      number: index + 1,
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
    listing_mismatch: [],
    ignored: [],
    findings: damages.map(({ marks, row }) => {
      const views = Object.keys(marks) as DrawnView[];
      const viewpoint = views[0] as DrawnView;
      return { ...row, photos: numbersOf(views), viewpoint, confidence: 'high', nearness: 'n/a', note: null };
    }),
    flags: Object.fromEntries(
      codesOf(LOT_FLAGS).map((flag) => [flag, { value: 'unknown', photos: [] }]),
    ) as unknown as VisionRows['flags'],
    not_visible: ['roof', 'underbody', 'interior', 'engine_bay'],
    readings: [],
  };
}
