import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { KeyUsageStore } from '../jobs/key-usage-store.js';
import { daysAsked } from './usage-days.js';
import type { KeyUsageDto, KeyUsageQuery } from './usage.dto.js';

/** What a key has used, also for jobs that retention has removed. */
@Injectable()
export class UsageService {
  constructor(
    private readonly clock: Clock,
    private readonly usage: KeyUsageStore,
  ) {}

  /** @throws ServiceError VALIDATION_FAILED for days in the wrong order, or too many */
  async read(keyId: string, query: KeyUsageQuery): Promise<KeyUsageDto> {
    const { from, to } = daysAsked(query, this.clock.now());
    const by = query.group_by ?? 'day';
    const rows = await this.usage.sum(keyId, { from, to }, by);
    return {
      from,
      to,
      group_by: by,
      rows: rows.map((row) => ({
        [by]: row.name,
        lots: row.lots,
        input_tokens: row.inputTokens,
        cached_tokens: row.cachedInputTokens,
        output_tokens: row.outputTokens,
        cost_usd: row.costUsd,
      })),
    };
  }
}
