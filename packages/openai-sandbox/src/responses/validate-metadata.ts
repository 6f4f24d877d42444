import { invalid, wrongType } from '../http/api-error.js';
import { isObject, typeName } from '../json.js';

/**
 * At most 16 pairs, keys up to 64 characters, values up to 512.
 * @throws ApiError 400 in OpenAI's words
 */
export function checkMetadata(value: unknown): void {
  if (value === undefined || value === null) return;
  if (!isObject(value)) throw wrongType('metadata', 'an object', typeName(value));
  const pairs = Object.entries(value);
  if (pairs.length > 16) {
    const message = `Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with ${pairs.length} properties instead.`;
    throw invalid(message, 'metadata', 'object_above_max_properties');
  }
  for (const [key, item] of pairs) {
    if (key.length > 64) {
      const message = `Invalid property name in 'metadata': '${key}' is too long. Expected a string with maximum length 64, but got a string with length ${key.length} instead.`;
      throw invalid(message, 'metadata', 'string_above_max_length');
    }
    if (typeof item !== 'string') throw wrongType(`metadata.${key}`, 'a string', typeName(item));
    if (item.length > 512) {
      const message = `Invalid 'metadata.${key}': string too long. Expected a string with maximum length 512, but got a string with length ${item.length} instead.`;
      throw invalid(message, `metadata.${key}`, 'string_above_max_length');
    }
  }
}
