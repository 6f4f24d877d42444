import type { UsageRow } from './job-store.js';

/** Tokens and cost of a call in the form that clients read and results store. */
export function usageJson(row: UsageRow): Record<string, string | number> {
  return {
    stage: row.stage,
    model: row.model,
    calls: row.calls,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    // Fractions of a cent matter for one lot; the rounding noise of binary numbers does not.
    cost_usd: Number(row.costUsd.toFixed(8)),
  };
}
