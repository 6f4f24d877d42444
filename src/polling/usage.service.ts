import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import { KeyUsageStore } from '../jobs/key-usage-store.js';
import { countDays, dayOf, daysAfter } from './days.js';
import type { KeyUsageDto, KeyUsageQuery } from './usage.dto.js';

const DEFAULT_DAYS = 30;
const MOST_DAYS = 400;

/** What a key has used, also for jobs that retention has removed. */
@Injectable()
export class UsageService {
  constructor(
    private readonly clock: Clock,
    private readonly usage: KeyUsageStore,
  ) {}

  /** @throws ServiceError VALIDATION_FAILED for days in the wrong order, or too many */
  async read(keyId: string, query: KeyUsageQuery): Promise<KeyUsageDto> {
    const to = query.to ?? dayOf(this.clock.now());
    const from = query.from ?? daysAfter(to, 1 - DEFAULT_DAYS);
    const by = query.group_by ?? 'day';
    const days = countDays(from, to);
    if (days < 1) throw wrongDays(`must not be after the last day, ${to}`);
    if (days > MOST_DAYS) throw wrongDays(`at most ${MOST_DAYS} days up to the last one, ${to}; these are ${days}`);
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

function wrongDays(rule: string): ServiceError {
  return new ServiceError('VALIDATION_FAILED', 'Some values are not valid; details lists each field with its rule.', {
    details: { fields: [{ path: 'from', rule }], count: 1 },
  });
}
