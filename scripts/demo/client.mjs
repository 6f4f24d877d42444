// The smallest client of the service.
import { sign } from '../sign.mjs';

/** Sends one signed request; `body` is sent as JSON when given. */
export async function signedFetch({ origin, key, method = 'GET', path, body, headers = {} }) {
  const text = body === undefined ? '' : JSON.stringify(body);
  return fetch(origin + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...sign(key, method, path, text),
      ...headers,
    },
    ...(body === undefined ? {} : { body: text }),
  });
}
