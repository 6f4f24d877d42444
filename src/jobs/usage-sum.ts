import type { ModelStage } from './states.js';

/** Tokens and cost (USD) of one answered call, or the sums of many. */
export interface UsageRow {
  readonly stage: ModelStage;
  readonly model: string;
  readonly calls: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly costUsd: number;
}

/**
 * Sums the usage of many calls by stage and model. Costs are summed too, because surcharges depend on single requests.
 */
export class UsageSum {
  private readonly sums = new Map<string, UsageRow>();

  add(row: UsageRow): void {
    const key = `${row.stage} ${row.model}`;
    const sum = this.sums.get(key);
    this.sums.set(key, sum === undefined ? row : both(sum, row));
  }

  /** Starts over, after the sums were written. */
  clear(): void {
    this.sums.clear();
  }

  /** The sums. Costs are rounded to the database's precision, which removes the noise of adding binary fractions. */
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
