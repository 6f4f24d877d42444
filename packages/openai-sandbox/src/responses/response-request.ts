import type { JsonObject } from '../json.js';
import type { ModelFacts } from '../models/model-table.js';

/** A photo as a request names it. */
export interface PhotoPart {
  readonly url: string;
  readonly detail: 'low' | 'high' | 'auto' | 'original';
  /** `input[0].content[3]` */
  readonly path: string;
  /** As the text right before it announces it ("Photo 3 of 12"), else its position from 1. */
  readonly number: number;
}

/** The end of a prefix: after so many of the request's texts and photos. */
export interface Breakpoint {
  readonly texts: number;
  readonly photos: number;
}

/** A request that passed every check. */
export interface ResponseRequest {
  readonly model: ModelFacts;
  readonly body: JsonObject;
  /** Every text of the request in order; `instructions` first. */
  readonly texts: readonly string[];
  /** Only the texts of user messages, which may contain a client's instructions. */
  readonly userTexts: readonly string[];
  readonly photos: readonly PhotoPart[];
  readonly effort: string | null;
  readonly maxOutputTokens: number | null;
  /** Where a prefix of the request may be cached, in order. */
  readonly breakpoints: readonly Breakpoint[];
  /** The schema of a json_schema format; null for plain text. */
  readonly schema: JsonObject | null;
}
