import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.service.js';
import { neverSent } from '../../describe/budget.js';
import type { LotError } from '../../describe/lot-error.js';
import { LotStore } from '../../jobs/lot-store.js';
import { ShardStore, type ShardClaim } from '../shards/shard-store.js';
import { OpenAiCircuits } from '../../openai/circuit-breaker.js';
import { OpenAiError } from '../../openai/errors.js';
import { OpenAiClient } from '../../openai/openai-client.js';
import { NotNowError, throwIfNotNow } from '../lines/not-now.js';

/** How often a lot may get no answer while no other lot gets one either; with the growing waits this is 2.5 minutes. */
const MOST_UNANSWERED = 5;
const FIRST_REST_SECONDS = 10;

/**
 * Decides whether the lot or OpenAI is at fault when a direct call got no answer in all its tries. If a lot's request
 * breaks the connection each time, that looks like an outage of OpenAI, and each round until the job's deadline would
 * be paid for again. But a lot that meets a real outage must not fail because of it.
 */
@Injectable()
export class UnansweredLots {
  constructor(
    private readonly database: Database,
    private readonly openai: OpenAiClient,
    private readonly circuits: OpenAiCircuits,
    private readonly lots: LotStore,
    private readonly shards: ShardStore,
  ) {}

  /**
   * Returns if the lot is at fault and ends with this error.
   * @param since - when its first call began
   * @throws NotNowError if the lot is to be asked for again later
   */
  async judge(error: LotError, claim: ShardClaim, position: number, since: number, signal: AbortSignal): Promise<void> {
    const { cause } = error;
    if (!(cause instanceof OpenAiError) || !isNoAnswer(cause)) return throwIfNotNow(error);
    if (neverSent(cause) || !(await this.openai.models.answers(claim.row.model, signal))) {
      throw NotNowError.away(cause);
    }
    // Other lots were answered meanwhile, so this lot is at fault, and its tries are used up.
    if (this.circuits.of('create_response').answeredSince(since)) return;
    const times = await this.database.transaction(async (tx) => {
      const counted = await this.lots.countUnanswered(tx, claim.row.job_id, position);
      await this.shards.fence(tx, claim);
      return counted;
    });
    if (times < MOST_UNANSWERED) throw NotNowError.away(cause, FIRST_REST_SECONDS * 2 ** (times - 1));
  }
}

/** Whether nothing came, or only a server error. An error inside a 200 was an answer to this lot. */
function isNoAnswer({ kind, status, attempts }: OpenAiError): boolean {
  switch (kind) {
    case 'connection':
    case 'timeout':
      return true;
    case 'server':
      return status !== undefined && status !== 200;
    case 'circuit_open':
      // Its own tries opened the circuit. If none was sent, there is nothing to judge by.
      return attempts > 0;
    case 'broken_body':
    case 'too_large':
    case 'rate_limited':
    case 'quota':
    case 'auth':
    case 'model':
    case 'image':
    case 'context_length':
    case 'rejected':
    case 'refused':
    case 'aborted':
      return false;
  }
}
