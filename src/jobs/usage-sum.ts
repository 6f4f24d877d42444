import type { UsageRow } from './job-store.js';

/** Many calls' usage, one row a stage and model. Costs are summed, never computed from sums: surcharges go by request. */
export class UsageSum {
  private readonly sums = new Map<string, UsageRow>();

  add(row: UsageRow): void {
    const key = `${row.stage} ${row.model}`;
    const sum = this.sums.get(key);
    this.sums.set(key, sum === undefined ? row : both(sum, row));
  }

  /** Forgets what has been written. */
  clear(): void {
    this.sums.clear();
  }

  /** Costs as finely as the database keeps them, without what adding binary fractions left behind. */
  rows(): UsageRow[] {
    return [...this.sums.values()].map((row) => ({ ...row, costUsd: Number(row.costUsd.toFixed(8)) }));
  }
}

function both(left: UsageRow, right: UsageRow): UsageRow {
  return {
    ...left,
    calls: left.calls + right.calls,
    inputTokens: left.inputTokens + right.inputTokens,
    cachedInputTokens: left.cachedInputTokens + right.cachedInputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    reasoningTokens: left.reasoningTokens + right.reasoningTokens,
    costUsd: left.costUsd + right.costUsd,
  };
}
