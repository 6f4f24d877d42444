// The smallest client of the service: signs with scheme 1 of the contract.
import { createHash, createHmac } from 'node:crypto';

/** Sends one signed request; `body` is sent as JSON when given. */
export async function signedFetch({ origin, key, method = 'GET', path, body, headers = {} }) {
  const text = body === undefined ? '' : JSON.stringify(body);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const digest = createHash('sha256').update(text).digest('hex');
  const signature = createHmac('sha256', key).update(`v1\n${timestamp}\n${method}\n${path}\n${digest}`).digest('hex');
  return fetch(origin + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      'X-Timestamp': timestamp,
      'X-Signature': `v1=${signature}`,
      ...headers,
    },
    ...(body === undefined ? {} : { body: text }),
  });
}
