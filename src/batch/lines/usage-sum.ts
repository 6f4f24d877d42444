import type { UsageRow } from '../../jobs/job-store.js';

/** The usage of many calls by stage and model. Costs are summed, never computed from sums: surcharges go by request. */
export class UsageSum {
  private readonly sums = new Map<string, UsageRow>();

  add(row: UsageRow): void {
    const key = `${row.stage} ${row.model}`;
    const sum = this.sums.get(key);
    this.sums.set(
      key,
      sum === undefined
        ? row
        : {
            stage: row.stage,
            model: row.model,
            calls: sum.calls + row.calls,
            inputTokens: sum.inputTokens + row.inputTokens,
            cachedInputTokens: sum.cachedInputTokens + row.cachedInputTokens,
            outputTokens: sum.outputTokens + row.outputTokens,
            reasoningTokens: sum.reasoningTokens + row.reasoningTokens,
            costUsd: sum.costUsd + row.costUsd,
          },
    );
  }

  rows(): UsageRow[] {
    return [...this.sums.values()].map((row) => ({ ...row, costUsd: Number(row.costUsd.toFixed(8)) }));
  }
}
