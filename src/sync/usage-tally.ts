import type { UsageRow } from '../jobs/job-store.js';

/** Sums what a run's answers cost, one row a stage and model, so that they are written once. */
export class UsageTally {
  private readonly byModel = new Map<string, UsageRow>();

  readonly add = (row: UsageRow): Promise<void> => {
    const key = `${row.stage} ${row.model}`;
    const sum = this.byModel.get(key);
    this.byModel.set(key, sum === undefined ? row : add(sum, row));
    return Promise.resolve();
  };

  /** Forgets what has been written. */
  clear(): void {
    this.byModel.clear();
  }

  get rows(): readonly UsageRow[] {
    return [...this.byModel.values()];
  }
}

function add(left: UsageRow, right: UsageRow): UsageRow {
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
