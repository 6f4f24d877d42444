import { LOT_FLAGS, PHOTO_ISSUES, READINGS } from './lot-flags.js';
import { listOf, objectOf, oneOf } from './json-schema.js';
import type { ObjectSchema } from './json-schema.js';
import { codesOf } from './part-rules.js';
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
import type { FindingRow, PhotoRow, VisionRows } from './vision-rows.js';

/** An answer by schema 1, which batches still bring that were sent before schema 2 came. Nothing asks by it any more. */
export interface OldVisionReply extends Pick<VisionRows, 'ignored' | 'flags' | 'not_visible' | 'readings'> {
  readonly photos: readonly Omit<PhotoRow, 'looking'>[];
  readonly findings: readonly (Pick<
    FindingRow,
    'photos' | 'viewpoint' | 'in_picture' | 'part' | 'side' | 'end' | 'type' | 'severity' | 'confidence'
  > & { readonly description: string })[];
  readonly remarks: readonly { readonly photo: number; readonly text: string }[];
}

const photoNumber = { type: 'integer' } as const;
const text = { type: 'string' } as const;
const view = oneOf(codesOf(VIEWS));
const part = oneOf(codesOf(PARTS));

/** What tells such an answer: its shape, for a stored line names no schema. */
export const OLD_VISION_SCHEMA: ObjectSchema = objectOf({
  photos: listOf(
    objectOf({
      number: photoNumber,
      view,
      visible_parts: listOf(part),
      issues: listOf(oneOf(codesOf(PHOTO_ISSUES))),
    }),
  ),
  ignored: listOf(objectOf({ photo: photoNumber, kind: oneOf(codesOf(NOT_DAMAGE)) })),
  findings: listOf(
    objectOf({
      photos: listOf(photoNumber),
      viewpoint: view,
      in_picture: oneOf(PICTURE_POSITIONS),
      part,
      side: oneOf(SIDES),
      end: oneOf(ENDS),
      type: oneOf(codesOf(DAMAGE_TYPES)),
      severity: oneOf(codesOf(SEVERITIES)),
      confidence: oneOf(CONFIDENCES),
      description: text,
    }),
  ),
  flags: objectOf(
    Object.fromEntries(
      codesOf(LOT_FLAGS).map((flag) => [
        flag,
        objectOf({ value: oneOf(['yes', 'no', 'unknown']), photos: listOf(photoNumber) }),
      ]),
    ),
  ),
  not_visible: listOf(oneOf(codesOf(AREAS))),
  readings: listOf(objectOf({ kind: oneOf(codesOf(READINGS)), value: text, photo: photoNumber })),
  remarks: listOf(objectOf({ photo: photoNumber, text })),
});

/** The same rows; what was not asked for is not known. Its descriptions and remarks are dropped: no list vouches for them. */
export function rowsOfOldReply({
  photos,
  ignored,
  findings,
  flags,
  not_visible,
  readings,
}: OldVisionReply): VisionRows {
  return {
    vehicle: { kind: 'other', count: 1, body: 'unknown', colour: 'unknown', doors: 'unknown', photos: [] },
    photos: photos.map((photo) => ({ ...photo, looking: 'unknown' })),
    interior: { state: 'unknown', photos: [] },
    tyres: { state: 'unknown', photos: [] },
    listing_mismatch: [],
    ignored,
    findings: findings.map((finding) => {
      const { description: _, ...row } = finding;
      return { ...row, nearness: 'n/a', zone: 'unknown', extent: 'unknown', count: 'one', through: 'none', note: null };
    }),
    flags,
    not_visible,
    readings,
  };
}
