import type { MissingPhoto } from '../../common/missing-photo.js';
import type { TokenUsage } from '../../assessment/response-body.js';
import { REFUSED, REJECTED } from '../../describe/call-errors.js';
import { LotError } from '../../describe/lot-error.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import type { NewResult } from '../../jobs/new-result.js';
import type { OpenAiErrorKind } from '../../openai/errors.js';

/** What a line means for its lot. */
export type LineOutcome =
  | { readonly kind: 'described'; readonly results: readonly NewResult[]; readonly renderedBytes: number }
  /** Nothing is wrong with the lot: another batch, then straight through. */
  | { readonly kind: 'retry' }
  /** The same request would fail again; the Responses API may be asked with fewer photos or more room. */
  | { readonly kind: 'direct' }
  | { readonly kind: 'failed'; readonly error: LotEnd };

/** A failed line by what can be done about it. */
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

/** What a lot looks like to whoever reads its line. */
export interface LineLot {
  readonly position: number;
  readonly status: string;
  readonly attempt: number;
  readonly missing: readonly MissingPhoto[];
  /** The response that its stored rows came from, if any: the same line again is not billed again. */
  readonly seenResponse: string | null;
}

/** Turns answers of one stage into what is stored. */
export interface LineReader<L extends LineLot> {
  /** The lots of these positions as far as reading their lines needs; those of other stages too. */
  load(positions: readonly number[]): Promise<Map<number, L>>;
  /** @param usage - of the answer, null when it names none */
  read(body: unknown, lot: L, usage: TokenUsage | null): LineOutcome;
  /** What stands in when a lot of this stage cannot be done. */
  giveUp(error: LotEnd, lot: L): LineOutcome;
}
