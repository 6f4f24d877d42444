import { invalid } from './api-error.js';
import type { JsonObject } from '../json.js';

/**
 * The `limit` of a list request.
 * @throws ApiError 400 outside 1 to `most`
 */
export function readLimit(query: URLSearchParams, fallback: number, most: number): number {
  const text = query.get('limit');
  if (text === null) return fallback;
  const limit = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(limit)) {
    throw invalid(`Invalid type for 'limit': expected an integer, but got a string instead.`, 'limit', 'invalid_type');
  }
  if (limit < 1 || limit > most) {
    const [word, sign, bound] = limit < 1 ? ['below minimum', '>=', 1] : ['above maximum', '<=', most];
    const code = limit < 1 ? 'integer_below_min_value' : 'integer_above_max_value';
    const message = `Invalid 'limit': integer ${word} value. Expected a value ${sign} ${bound}, but got ${limit} instead.`;
    throw invalid(message, 'limit', code);
  }
  return limit;
}

/**
 * One page of `items` behind the one with the id `after`, as OpenAI's list object.
 * @throws ApiError 400 when `after` is not among them
 */
export function page<T extends { readonly id: string }>(
  items: readonly T[],
  after: string | null,
  limit: number,
  show: (item: T) => JsonObject,
): JsonObject {
  const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) throw invalid(`Invalid 'after': no object with id '${after}'.`, 'after', null);
  const shown = items.slice(start, start + limit);
  return {
    object: 'list',
    data: shown.map(show),
    first_id: shown[0]?.id ?? null,
    last_id: shown.at(-1)?.id ?? null,
    has_more: start + limit < items.length,
  };
}
