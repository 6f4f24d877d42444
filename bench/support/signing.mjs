// The key of the benchmarked service, and requests signed with it.
import { sign } from '../../scripts/sign.mjs';

export const KEY = 'bench-shared-key-0123456789abcdef-0123';

export function signedHeaders(method, path, body) {
  return sign(KEY, method, path, body);
}
