import type { UsageRow } from './usage-sum.js';

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

/** The same from {@link usageJson} as it was stored; null for what it did not write. */
export function usageOfJson(stored: unknown): UsageRow | null {
  if (typeof stored !== 'object' || stored === null) return null;
  const row = stored as Readonly<Record<string, unknown>>;
  const { stage, model } = row;
  if ((stage !== 'vision' && stage !== 'translation') || typeof model !== 'string') return null;
  const number = (name: string) => (typeof row[name] === 'number' ? row[name] : 0);
  return {
    stage,
    model,
    calls: number('calls'),
    inputTokens: number('input_tokens'),
    cachedInputTokens: number('cached_input_tokens'),
    outputTokens: number('output_tokens'),
    reasoningTokens: number('reasoning_tokens'),
    costUsd: number('cost_usd'),
  };
}
