import { hasCacheBreakpoints, type ModelPrice } from './model-traits.js';
import type { TokenUsage } from './response-body.js';

/**
 * Published prices, as read in November 2026; OPENAI_PRICES of the settings wins over them. Prices change without
 * notice: costs are estimates until the invoice.
 */
export const MODEL_PRICES: Readonly<Record<string, ModelPrice>> = {
  'o4-mini': { input: 1.1, cachedInput: 0.275, output: 4.4 },
  'gpt-4.1-mini': { input: 0.4, cachedInput: 0.1, output: 1.6 },
  'gpt-5.6-terra': { input: 2, cachedInput: 0.2, output: 12 },
  'gpt-6.1-terra': { input: 1, cachedInput: 0.05, output: 5 },
  'gpt-5.6-luna': { input: 0.2, cachedInput: 0.02, output: 1.2 },
  'gpt-6-luna': { input: 0.1, cachedInput: 0.01, output: 0.5 },
};

/**
 * The price of a model, also under its dated name (`gpt-4.1-mini-2025-04-14`); null when none is known, so that an
 * unknown cost is never shown as 0.
 * @param overrides - from the settings, by the same names
 */
export function priceOf(model: string, overrides: Readonly<Record<string, ModelPrice>> = {}): ModelPrice | null {
  for (const name of [model, model.replace(/-\d{4}-\d{2}-\d{2}$/, '')]) {
    for (const table of [overrides, MODEL_PRICES]) {
      const price = Object.hasOwn(table, name) ? table[name] : undefined;
      if (price !== undefined) {
        return price;
      }
    }
  }
  return null;
}

/** Above this many input tokens a request to gpt-5.6 or later costs twice the input and 1.5 times the output, all of it. */
const SURCHARGE_FROM = 272_000;
const HAS_SURCHARGE = /^gpt-(?:5\.[6-9]|[6-9])/;
const BATCH_SHARE = 0.5;

/** Input that is written to the prompt cache, from gpt-5.6 on; before, writing cost nothing extra. */
const CACHE_WRITE_FACTOR = 1.25;

/**
 * What one response cost, in USD. Input that was read from the cache or written to it is part of the input, and each
 * token has one rate; reasoning is part of the output.
 * @param usage - of one response: the surcharge is decided request by request, so never pass a sum
 */
export function costUsd(
  usage: TokenUsage,
  price: ModelPrice,
  options: { readonly batch: boolean; readonly model: string },
): number {
  const long = usage.input > SURCHARGE_FROM && HAS_SURCHARGE.test(options.model);
  const cached = Math.min(usage.cachedInput, usage.input);
  const written = hasCacheBreakpoints(options.model) ? Math.min(usage.cacheWrite, usage.input - cached) : 0;
  const plain = usage.input - cached - written;
  const input = (plain + written * CACHE_WRITE_FACTOR) * price.input + cached * price.cachedInput;
  const cost = (input * (long ? 2 : 1) + usage.output * price.output * (long ? 1.5 : 1)) / 1_000_000;
  return options.batch ? cost * BATCH_SHARE : cost;
}
