import { assess } from './assess.js';
import type { Assessment, PhotoRef } from './assessment.js';
import { rowsOf } from './vision-answer.js';
import { SCHEMA_VERSION } from './vision-schema.js';

/** What is stored of a lot that was assessed, perhaps by an earlier version of the service. */
export interface StoredAssessment {
  readonly assessment: unknown;
  /** The model's own answer. */
  readonly raw: unknown;
  /** Those that were sent. */
  readonly photos: readonly PhotoRef[];
}

/**
 * A stored assessment as texts are written from it. One of the old schema says less than they need, so the model's answer is read
 * again.
 * @returns null where neither can be read
 */
export function assessmentOf({ assessment, raw, photos }: StoredAssessment): Assessment | null {
  const known = (assessment ?? {}) as Partial<Assessment>;
  if (shapeOf(known.schema_version) === shapeOf(SCHEMA_VERSION)) return known as Assessment;
  const { rows } = rowsOf(raw);
  if (rows === undefined) return null;
  return assess(rows, photos, { model: known.model ?? '', promptVersion: known.prompt_version ?? '' });
}

/** The half of a schema's version that rises with the meaning of its members; the other half is a fingerprint. */
function shapeOf(version: string | undefined): string {
  return String(version).split('-', 1)[0] ?? '';
}
