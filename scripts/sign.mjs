// How a client signs a request, without the service's own code. The demo, proofs, benchmarks and tests use this. It is
// the sample of docs/signing.md letter by letter, which a test checks.
import { createHash, createHmac } from 'node:crypto';

/** The headers of a signed request; target is the path with its query. */
export function sign(secret, method, target, body = '', timestamp = Math.floor(Date.now() / 1000)) {
  const digest = createHash('sha256').update(body).digest('hex');
  const message = ['v1', timestamp, method, target, digest].join('\n');
  const signature = createHmac('sha256', secret).update(message).digest('hex');
  return { 'X-Timestamp': String(timestamp), 'X-Signature': `v1=${signature}` };
}
