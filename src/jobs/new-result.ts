import { isUnstorable, storableJson, storableName, storableText } from '../database/storable-text.js';

/** The description in one language that is to be stored. */
export interface NewResult {
  readonly language: string;
  readonly html: string;
  readonly strings: unknown;
  readonly fallback: boolean;
  readonly assessment?: unknown;
  /** Whether a person should look at the lot, and why; only the English row has it. */
  readonly needsReview?: unknown;
  readonly raw?: unknown;
  readonly model: string | null;
  readonly promptVersion: string | null;
  readonly schemaVersion: string | null;
  readonly responseId: string | null;
  readonly usage: unknown;
}

type Json = 'strings' | 'assessment' | 'needsReview' | 'raw' | 'usage';

/** The same as the database keeps it: what is JSON there is the very text that is read again. */
export type StoredResult = Omit<NewResult, Json> & Readonly<Record<Json, string | null>>;

/** A description as it is to be stored, without what PostgreSQL cannot hold; see {@link storable}. */
export function storedResult(result: NewResult): StoredResult {
  return {
    ...withStorableNames(result),
    html: storableText(result.html),
    strings: jsonText(result.strings),
    assessment: jsonText(result.assessment),
    needsReview: jsonText(result.needsReview),
    raw: jsonText(result.raw),
    usage: jsonText(result.usage),
  };
}

/** Looking at the text is enough for most values; walking through each took longer than writing it. */
function jsonText(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = JSON.stringify(value);
  return isUnstorable(value, text) ? JSON.stringify(storableJson(value)) : text;
}

/**
 * Removes from a description what PostgreSQL cannot hold. A model or a gateway may put U+0000 or half of a surrogate
 * pair into any text of an answer; an answer that was paid for must not be lost because of that.
 */
export function storable(result: NewResult): NewResult {
  return {
    ...withStorableNames(result),
    html: storableText(result.html),
    strings: storableJson(result.strings),
    assessment: storableJson(result.assessment),
    raw: storableJson(result.raw),
    usage: storableJson(result.usage),
  };
}

/** Shortens the names and ids in an answer to a length that names have. */
export function withStorableNames(result: NewResult): NewResult {
  const name = (text: string | null) => (text === null ? null : storableName(text));
  return { ...result, model: name(result.model), responseId: name(result.responseId) };
}
