import { Webhook } from 'standardwebhooks';
import { canonicalValue } from '../../../src/auth/canonical-json.js';
import { hmacHex } from '../../support/signing.js';
import type { ReceivedRequest } from './receiver.js';
import { SECRET } from './seed.js';

export interface WebhookBody {
  readonly event: string;
  readonly signature: string;
  readonly job_id: string;
  readonly status: string;
  readonly part: { readonly number: number; readonly of: number };
  readonly lots: readonly { readonly lot_id: string; readonly status: string; readonly descriptions: unknown[] }[];
  readonly [member: string]: unknown;
}

/**
 * Checks all three signatures as a receiver would, the first by the public library.
 * @throws when one does not hold
 */
export function verifyRequest({ headers, body }: ReceivedRequest, secret = SECRET): WebhookBody {
  const library = new Webhook(Buffer.from(secret).toString('base64'));
  // The library's own check reads the real time, but the sender's clock is a fake one. So the library signs here, and
  // the two signatures are compared.
  const id = String(headers['webhook-id']);
  const sent = new Date(Number(headers['webhook-timestamp']) * 1000);
  const expected = library.sign(id, sent, body.toString());
  if (headers['webhook-signature'] !== expected) throw new Error('webhook-signature does not hold');
  const hmac = (text: string | Buffer) => hmacHex(secret, text);
  if (headers['x-signature'] !== `sha256=${hmac(body)}`) throw new Error('X-Signature does not hold');
  const parsed = JSON.parse(body.toString()) as WebhookBody;
  if (parsed.signature !== hmac(canonicalValue(JSON.stringify(parsed.lots)))) {
    throw new Error('the lots signature does not hold');
  }
  return parsed;
}
