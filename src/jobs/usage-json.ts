import type { UsageRow } from './job-store.js';

/** What a call cost, as clients read it and as results keep it. */
export function usageJson(row: UsageRow): Record<string, string | number> {
  return {
    stage: row.stage,
    model: row.model,
    calls: row.calls,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    // Fractions of a cent matter on one lot; binary noise does not.
    cost_usd: Number(row.costUsd.toFixed(8)),
  };
}
