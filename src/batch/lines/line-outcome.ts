import type { MissingPhoto } from '../../common/missing-photo.js';
import type { TokenUsage } from '../../assessment/response-body.js';
import { REFUSED, REJECTED } from '../../describe/call-errors.js';
import { LotError } from '../../describe/lot-error.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import type { NewResult } from '../../jobs/new-result.js';
import type { OpenAiErrorKind } from '../../openai/errors.js';

/** What a line means for its lot. */
export type LineOutcome =
  | {
      readonly kind: 'described';
      readonly results: readonly NewResult[];
      readonly renderedBytes: number;
      /** The assessment of a lot whose texts came later, with their glossaries. */
      readonly assessment?: unknown;
    }
  /** Nothing is wrong with the lot: it goes into another batch, then through the Responses API. */
  | { readonly kind: 'retry' }
  /** The same request would fail again. The Responses API can be asked with fewer photos or with more room. */
  | { readonly kind: 'direct' }
  /** `row` keeps an answer of which nothing is published. */
  | { readonly kind: 'failed'; readonly error: LotEnd; readonly row?: NewResult };

/** What can be done about a failed line. */
export function outcomeOfFailure(failure: OpenAiErrorKind): LineOutcome {
  switch (failure) {
    case 'image':
    case 'context_length':
      return { kind: 'direct' };
    case 'refused':
      return { kind: 'failed', error: new LotError(...REFUSED).toStored() };
    case 'rejected':
      return { kind: 'failed', error: new LotError(...REJECTED).toStored() };
    case 'rate_limited':
    case 'server':
    case 'connection':
    case 'broken_body':
    case 'too_large':
    case 'timeout':
    case 'quota':
    case 'model':
    case 'auth':
    case 'circuit_open':
    case 'aborted':
      return { kind: 'retry' };
  }
}

/** A lot as far as reading its line needs it. */
export interface LineLot {
  readonly position: number;
  readonly status: string;
  readonly attempt: number;
  readonly missing: readonly MissingPhoto[];
  /** The id of the response that its stored rows came from, if any: the same line again is not counted twice. */
  readonly seenResponse: string | null;
}

/** Turns answers of one stage into what is stored. */
export interface LineReader<L extends LineLot> {
  /** The lots at these positions, also those that are in another stage by now. */
  load(positions: readonly number[]): Promise<Map<number, L>>;
  /** @param usage - the answer's usage, or null when it names none */
  read(body: unknown, lot: L, usage: TokenUsage | null): LineOutcome;
  /** The outcome of a lot that this stage cannot finish. */
  giveUp(error: LotEnd, lot: L): LineOutcome;
}
