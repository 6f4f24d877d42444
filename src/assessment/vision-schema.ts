import { createHash } from 'node:crypto';
import { LOT_FLAGS, PHOTO_ISSUES, READINGS } from './lot-flags.js';
import type { LotFlag, PhotoIssue, Reading } from './lot-flags.js';
import { listOf, objectOf, oneOf } from './json-schema.js';
import type { JsonSchema, ObjectSchema } from './json-schema.js';
import { codesOf, type Damage } from './part-rules.js';
import {
  AREAS,
  CONFIDENCES,
  DAMAGE_TYPES,
  ENDS,
  NOT_DAMAGE,
  PARTS,
  PICTURE_POSITIONS,
  SEVERITIES,
  SIDES,
  VIEWS,
} from './taxonomy.js';
import type { Area, NotDamage, Part, PicturePosition, View } from './taxonomy.js';

/** What the model answers, once it has passed the schema. Photo numbers are those of the request, from 1. */
export interface VisionRows {
  readonly photos: readonly {
    readonly number: number;
    readonly view: View;
    readonly visible_parts: readonly Part[];
    readonly issues: readonly PhotoIssue[];
  }[];
  readonly ignored: readonly { readonly photo: number; readonly kind: NotDamage }[];
  readonly findings: readonly FindingRow[];
  readonly flags: Readonly<Record<LotFlag, { readonly value: FlagAnswer; readonly photos: readonly number[] }>>;
  readonly not_visible: readonly Area[];
  readonly readings: readonly { readonly kind: Reading; readonly value: string; readonly photo: number }[];
  readonly remarks: readonly { readonly photo: number; readonly text: string }[];
}

type FlagAnswer = 'yes' | 'no' | 'unknown';

/** One damage as the model reports it. `viewpoint` and `in_picture` are those of the first cited photo. */
export interface FindingRow extends Damage {
  readonly photos: readonly number[];
  readonly viewpoint: View;
  readonly in_picture: PicturePosition;
  readonly description: string;
}

const photoNumber = { type: 'integer' } as const;
const text = { type: 'string' } as const;
const refTo = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });

/**
 * The strict schema of the answer. A model writes members in this order, so evidence stands before judgement: photos
 * before findings, look-alikes before damage, viewpoint before side (left and right are what models get wrong most).
 * Readings are a list and not nullable members: a slot that is there invites a guess. What stands twice is a
 * definition: every line of a batch carries the schema, and a file holds 190 MiB of lines.
 */
export const VISION_SCHEMA: ObjectSchema = {
  ...objectOf({
    photos: listOf(
      objectOf({
        number: photoNumber,
        view: refTo('view'),
        visible_parts: listOf(refTo('part')),
        issues: listOf(oneOf(codesOf(PHOTO_ISSUES))),
      }),
      'one entry for each photo, in order',
    ),
    ignored: listOf(
      objectOf({ photo: photoNumber, kind: oneOf(codesOf(NOT_DAMAGE)) }),
      'what looks like damage and is not',
    ),
    findings: listOf(
      objectOf({
        photos: listOf(photoNumber, 'photos that show this damage, the clearest first'),
        viewpoint: refTo('view'),
        in_picture: oneOf(PICTURE_POSITIONS, 'where in the first of these photos, as the viewer sees it'),
        part: refTo('part'),
        side: oneOf(SIDES, "the vehicle's own side"),
        end: oneOf(ENDS),
        type: oneOf(codesOf(DAMAGE_TYPES)),
        severity: oneOf(codesOf(SEVERITIES)),
        confidence: oneOf(CONFIDENCES),
        description: text,
      }),
      'one entry for each damage',
    ),
    flags: objectOf(Object.fromEntries(codesOf(LOT_FLAGS).map((name) => [name, refTo('flag')]))),
    not_visible: listOf(oneOf(codesOf(AREAS)), 'areas that no photo shows'),
    readings: listOf(
      objectOf({ kind: oneOf(codesOf(READINGS)), value: text, photo: photoNumber }),
      'only what is fully legible',
    ),
    remarks: listOf(objectOf({ photo: photoNumber, text }), 'what a buyer should know and no row can say; often empty'),
  }),
  $defs: {
    view: oneOf(codesOf(VIEWS), 'view of the vehicle; as viewpoint: that of the first of these photos'),
    part: oneOf(codesOf(PARTS)),
    flag: objectOf({ value: oneOf(['yes', 'no', 'unknown']), photos: listOf(photoNumber) }),
  },
};

/** The `text` member of a vision request. */
export const VISION_TEXT_FORMAT = {
  format: { type: 'json_schema', name: 'vehicle_damage', strict: true, schema: VISION_SCHEMA },
} as const;

/**
 * Recorded with every result. Its second half is a fingerprint of all lists, names and meanings, so that no edit of
 * the taxonomy can forget to change it; the first half rises when the meaning of a member changes.
 */
export const SCHEMA_VERSION = `1-${createHash('sha256')
  .update(JSON.stringify([VISION_SCHEMA, PARTS, DAMAGE_TYPES, SEVERITIES, NOT_DAMAGE, LOT_FLAGS]))
  .digest('hex')
  .slice(0, 8)}`;
