import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Hex, signRequest, verifyWebhook, WebhookVerificationError } from '../src/index.js';

const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../../test/vectors', name), 'utf8')) as T;

interface SignedRequestVector {
  name: string;
  key: string;
  timestamp: number;
  method: string;
  target: string;
  body: string;
  signature: string;
}

describe('signed requests', () => {
  it.each(vectors<SignedRequestVector[]>('signed-request-vectors.json'))('$name', (vector) => {
    const { method, target, key, timestamp, body, signature } = vector;
    expect(signRequest(key, { method, target, bodyDigest: sha256Hex(body) }, timestamp)).toEqual({
      'X-Timestamp': String(timestamp),
      'X-Signature': signature,
    });
  });
});

describe('webhooks', () => {
  const { webhook } = vectors<{ webhook: Record<string, string> }>('other-vectors.json');
  const headers = {
    'Webhook-Id': webhook['webhook_id'],
    'Webhook-Timestamp': String(webhook['webhook_timestamp']),
    'Webhook-Signature': webhook['webhook_signature'],
  };
  const input = { headers, body: webhook['body'] ?? '', secret: webhook['secret'] ?? '', tolerance: Infinity };

  it('are verified, whichever way the framework has the headers', () => {
    const expected = { id: webhook['webhook_id'], event: JSON.parse(input.body) as unknown };
    expect(verifyWebhook(input)).toEqual(expected);
    expect(verifyWebhook({ ...input, headers: new Headers(headers as Record<string, string>) })).toEqual(expected);
    expect(verifyWebhook({ ...input, body: Buffer.from(input.body) })).toEqual(expected);
  });

  it('are verified while a secret is being replaced, on either side', () => {
    const both = `v1,${'A'.repeat(43)}= ${webhook['webhook_signature']}`;
    expect(verifyWebhook({ ...input, headers: { ...headers, 'Webhook-Signature': both } }).id).toBe('msg_2b1f');
    expect(verifyWebhook({ ...input, secret: ['whsec_YW5vdGhlcg==', input.secret] }).id).toBe('msg_2b1f');
  });

  it.each([
    ['another body', { body: `${input.body} ` }],
    ['another secret', { secret: 'whsec_YW5vdGhlcg==' }],
    ['an old delivery sent again', { tolerance: 300 }],
    ['another id', { headers: { ...headers, 'Webhook-Id': 'msg_other' } }],
    ['no signature', { headers: { ...headers, 'Webhook-Signature': undefined } }],
    ['a timestamp that is no number', { headers: { ...headers, 'Webhook-Timestamp': '1e9' } }],
  ])('are refused with %s', (_name, change) => {
    expect(() => verifyWebhook({ ...input, ...change })).toThrow(WebhookVerificationError);
  });
});
