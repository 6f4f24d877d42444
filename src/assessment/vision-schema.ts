import { createHash } from 'node:crypto';
import { COUNTS, EXTENTS, THROUGH, ZONES } from './damage-details.js';
import { LOT_FLAGS, PHOTO_ISSUES, READINGS } from './lot-flags.js';
import type { LotFlag } from './lot-flags.js';
import { listOf, objectOf, oneOf } from './json-schema.js';
import type { JsonSchema, ObjectSchema } from './json-schema.js';
import { codesOf } from './part-rules.js';
import {
  AREAS,
  CONFIDENCES,
  DAMAGE_TYPES,
  ENDS,
  LOOKINGS,
  NEARNESSES,
  NOT_DAMAGE,
  PARTS,
  PICTURE_POSITIONS,
  SEVERITIES,
  SIDES,
  VIEWS,
} from './taxonomy.js';
import type { Looking, Part } from './taxonomy.js';
import { usualParts, usualPartsText } from './usual-parts.js';
import {
  BODIES,
  COLOURS,
  DOOR_COUNTS,
  INTERIOR_STATES,
  LISTING_MEMBERS,
  TYRE_STATES,
  VEHICLE_KINDS,
} from './vehicle.js';
import type { FindingRow, FlagAnswer, PhotoRow, VisionRows } from './vision-rows.js';

/** An answer as it comes over the wire, once it has passed the schema: parts and flags by exception. */
export interface VisionReply extends Omit<VisionRows, 'photos' | 'findings' | 'flags'> {
  readonly photos: readonly (Omit<PhotoRow, 'looking' | 'visible_parts'> & {
    readonly hidden_parts: readonly Part[];
    readonly also_visible: readonly Part[];
  })[];
  readonly looking: readonly { readonly photo: number; readonly direction: Looking }[];
  readonly findings: readonly (Omit<FindingRow, 'note'> & { readonly note?: string })[];
  readonly flags: readonly { readonly flag: LotFlag; readonly photos: readonly number[] }[];
  readonly unclear_flags: readonly LotFlag[];
}

const photoNumber = { type: 'integer' } as const;
const text = { type: 'string' } as const;
const refTo = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });
const photoNumbers = refTo('photos');

/**
 * The strict schema of the answer. A model writes members in this order, so evidence stands before judgement: photos before findings,
 * look-alikes before damage, viewpoint before side, extent before severity (left and right are what models get wrong most). Readings
 * are a list and not nullable members: a slot that is there invites a guess. What stands twice is a definition: every line of a
 * batch carries the schema, and a file holds 190 MiB of lines.
 * @param notes - whether a sentence is asked for with each finding; there is no free text otherwise
 */
function visionSchema(notes: boolean): ObjectSchema {
  return {
    ...objectOf({
      vehicle: objectOf({
        kind: oneOf(VEHICLE_KINDS, 'none: no photo shows a vehicle'),
        count: { type: 'integer', description: 'how many different vehicles the photos are about, 1 as a rule' },
        body: oneOf(BODIES),
        colour: oneOf(COLOURS),
        doors: oneOf(DOOR_COUNTS),
        photos: photoNumbers,
      }),
      photos: listOf(
        objectOf({
          number: photoNumber,
          view: refTo('view'),
          hidden_parts: listOf(refTo('part'), 'usual parts of this view that this photo does not show'),
          also_visible: listOf(refTo('part'), 'other parts that it shows'),
          issues: listOf(oneOf(codesOf(PHOTO_ISSUES))),
        }),
        `one entry for each photo, in order. ${usualPartsText()}`,
      ),
      looking: listOf(
        objectOf({ photo: photoNumber, direction: oneOf(LOOKINGS) }),
        'only photos of the interior: where the camera looks, in the direction of travel or against it',
      ),
      interior: objectOf({ state: oneOf(INTERIOR_STATES), photos: photoNumbers }),
      tyres: objectOf({ state: oneOf(TYRE_STATES), photos: photoNumbers }),
      listing_mismatch: listOf(oneOf(LISTING_MEMBERS), 'what the photos show otherwise than the listing says'),
      ignored: listOf(
        objectOf({ photo: photoNumber, kind: oneOf(codesOf(NOT_DAMAGE)) }),
        'what looks like damage and is not',
      ),
      findings: listOf(findingSchema(notes), 'one entry for each damage'),
      flags: listOf(
        objectOf({ flag: refTo('flag'), photos: photoNumbers }),
        'only those that photos show, with these photos',
      ),
      unclear_flags: listOf(refTo('flag'), 'those that the photos do not allow to tell'),
      not_visible: listOf(oneOf(codesOf(AREAS)), 'areas that no photo shows'),
      readings: listOf(
        objectOf({ kind: oneOf(codesOf(READINGS)), value: text, photo: photoNumber }),
        'only what is fully legible',
      ),
    }),
    $defs: {
      view: oneOf(codesOf(VIEWS), 'view of the vehicle; as viewpoint: that of the first of these photos'),
      part: oneOf(codesOf(PARTS)),
      flag: oneOf(codesOf(LOT_FLAGS)),
      photos: listOf(photoNumber, 'numbers of the photos that show this, from 1, the clearest first'),
    },
  };
}

function findingSchema(notes: boolean): ObjectSchema {
  return objectOf({
    photos: photoNumbers,
    viewpoint: refTo('view'),
    in_picture: oneOf(PICTURE_POSITIONS, 'where in the first of these photos, as the viewer sees it'),
    nearness: oneOf(NEARNESSES, 'in a three-quarter view: on the flank and corner near the camera, or away from it'),
    part: refTo('part'),
    side: oneOf(SIDES, "the vehicle's own side"),
    end: oneOf(ENDS),
    type: oneOf(codesOf(DAMAGE_TYPES)),
    zone: oneOf(codesOf(ZONES), 'where on the part'),
    extent: oneOf(codesOf(EXTENTS), 'how far it reaches'),
    count: oneOf(codesOf(COUNTS), 'how many of the same on this part'),
    through: oneOf(codesOf(THROUGH), 'what it goes through'),
    severity: oneOf(codesOf(SEVERITIES)),
    confidence: oneOf(CONFIDENCES),
    ...(notes ? { note: NOTE } : {}),
  });
}

const NOTE: JsonSchema = {
  type: 'string',
  description:
    'One short English sentence of at most 20 words on what no other member says, such as the look of the damage; empty if there is nothing. No side, end, part name, severity, photo or number; no other damage; nothing negated; no cause, cost, size, praise, person, plate, VIN, name or advice.',
};

const textFormat = (schema: ObjectSchema) =>
  ({ format: { type: 'json_schema', name: 'vehicle_damage', strict: true, schema } }) as const;

export const VISION_SCHEMA = visionSchema(false);
export const VISION_SCHEMA_WITH_NOTES = visionSchema(true);

/** The `text` member of a vision request. */
export const VISION_TEXT_FORMAT = textFormat(VISION_SCHEMA);
export const VISION_TEXT_FORMAT_WITH_NOTES = textFormat(VISION_SCHEMA_WITH_NOTES);

/**
 * Recorded with every result. Its second half is a fingerprint of all lists, names and meanings, so that no edit of
 * the taxonomy can forget to change it; the first half rises when the meaning of a member changes.
 */
export const SCHEMA_VERSION = `2-${createHash('sha256')
  .update(
    JSON.stringify([
      VISION_SCHEMA_WITH_NOTES,
      PARTS,
      DAMAGE_TYPES,
      SEVERITIES,
      NOT_DAMAGE,
      LOT_FLAGS,
      ZONES,
      EXTENTS,
      COUNTS,
      THROUGH,
    ]),
  )
  .digest('hex')
  .slice(0, 8)}`;

/** The answer with everything written out that it leaves to its exceptions. */
export function rowsOfReply(reply: VisionReply): VisionRows {
  const { looking, flags, unclear_flags, photos, findings, ...same } = reply;
  const directions = new Map(looking.map(({ photo, direction }) => [photo, direction]));
  return {
    ...same,
    photos: photos.map(({ number, view, hidden_parts, also_visible, issues }) => {
      const hidden = new Set(hidden_parts);
      return {
        number,
        view,
        looking: directions.get(number) ?? 'unknown',
        visible_parts: [...usualParts(view, reply.vehicle.kind), ...also_visible].filter((part) => !hidden.has(part)),
        issues,
      };
    }),
    findings: findings.map((finding) => ({ ...finding, note: finding.note ?? null })),
    flags: Object.fromEntries(
      codesOf(LOT_FLAGS).map((flag) => {
        const raised = flags.filter((entry) => entry.flag === flag);
        const value: FlagAnswer = raised.length > 0 ? 'yes' : unclear_flags.includes(flag) ? 'unknown' : 'no';
        return [flag, { value, photos: raised.flatMap((entry) => entry.photos) }];
      }),
    ) as unknown as VisionRows['flags'],
  };
}
