import { ApiPropertyOptional } from '@nestjs/swagger';
import { MAX_LOT_ID } from '../request/lot-rules.js';
import { RETRY_CODES } from './retry-request.js';

// This class only describes requests for the OpenAPI document; retry-request.ts has the rules.

/** Which lots are tried once more. Without a body: all failed ones. With both lists: lots that are in both. */
export class RetryRequestDto {
  /**
   * Lots that failed with one of these codes. CANCELLED is for lots without a result of a cancelled job; they are taken
   * only by it.
   * @example ["OPENAI_API_ERROR", "DEADLINE_EXCEEDED"]
   */
  @ApiPropertyOptional({ type: 'array', minItems: 1, items: { type: 'string', enum: [...RETRY_CODES] } })
  codes?: string[] | null;
  /**
   * These lots, if they failed. A lot that the job does not have refuses the request.
   * @example ["11-12345", "11-12346"]
   */
  @ApiPropertyOptional({
    type: 'array',
    minItems: 1,
    items: { oneOf: [{ type: 'string', minLength: 1, maxLength: MAX_LOT_ID }, { type: 'integer' }] },
  })
  lot_ids?: (string | number)[] | null;
  /** true: only say how many lots would be taken and what they are estimated to cost. */
  dry_run?: boolean | null;
}

/** What a retry would be. */
export class DryRunDto {
  /** Lots that would be taken. */
  lots: number;
  /** USD, with the sizes of the photos that were seen before; null when the price of a model is not known. */
  estimated_cost_usd: number | null;
  /**
   * lots_in_other_retries:<n> and lots_not_chosen:<n> for chosen lots that would be left out; estimate_above_max_cost_usd when the
   * retry would be refused for its limit; unknown_member:<name> for a member that the service does not know.
   */
  warnings: string[];
}
