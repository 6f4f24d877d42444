import { storableJson, storableName, storableText } from '../database/storable-text.js';

/** One language's description as it is written. */
export interface NewResult {
  readonly language: string;
  readonly html: string;
  readonly strings: unknown;
  readonly fallback: boolean;
  readonly assessment?: unknown;
  readonly raw?: unknown;
  readonly model: string | null;
  readonly promptVersion: string | null;
  readonly schemaVersion: string | null;
  readonly responseId: string | null;
  readonly usage: unknown;
}

/**
 * The description as PostgreSQL can hold it and every reader can read it. A model, or whatever stands before it, may
 * put U+0000 or half of a surrogate pair into any text of an answer: that is no reason to lose an answer that is paid
 * for. What cannot be stored is taken out.
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

/** The names and ids that an answer tells of itself, cut to what names are. */
export function withStorableNames(result: NewResult): NewResult {
  const name = (text: string | null) => (text === null ? null : storableName(text));
  return { ...result, model: name(result.model), responseId: name(result.responseId) };
}
