import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { KeyRing, secretFingerprint } from '../../src/auth/key-ring.js';
import { LotsHmac } from '../../src/auth/signatures.js';
import {
  bodySignature,
  NoLiveSecretError,
  standardSecretBytes,
  standardSignature,
  WebhookSigner,
} from '../../src/webhook/webhook-signer.js';
import { testSettings, type SettingChanges } from './support/rig.js';

interface WebhookVector {
  readonly shared_key: string;
  readonly secret: string;
  readonly webhook_id: string;
  readonly webhook_timestamp: number;
  readonly body: string;
  readonly lots_signature: string;
  readonly x_signature: string;
  readonly webhook_signature: string;
}

const { webhook: vector } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/other-vectors.json'), 'utf8'),
) as { webhook: WebhookVector };
const body = Buffer.from(vector.body);

function signerWith(changes: SettingChanges): WebhookSigner {
  const config = testSettings(changes);
  return new WebhookSigner(config, new KeyRing(config));
}

describe('webhook signatures', () => {
  it('webhook signatures are those that Python made', () => {
    const secret = standardSecretBytes(vector.secret);
    expect(standardSignature([secret], vector.webhook_id, vector.webhook_timestamp, body)).toBe(
      vector.webhook_signature,
    );
    expect(bodySignature(vector.shared_key, body, 'sha256')).toBe(vector.x_signature);
    expect(bodySignature(vector.shared_key, body, 'bare')).toBe(vector.x_signature.replace('sha256=', ''));
    const lots = new LotsHmac([vector.shared_key]);
    for (const lot of (JSON.parse(vector.body) as { lots: unknown[] }).lots) lots.add(JSON.stringify(lot));
    expect(lots.digests()[0]?.toString('hex')).toBe(vector.lots_signature);
  });

  it('webhook signatures verify with the public library, whatever the body, and one changed byte fails', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 24, maxLength: 64 }),
        fc.string({ minLength: 1, unit: 'grapheme' }),
        fc.nat(),
        (key, text, position) => {
          const payload = Buffer.from(JSON.stringify({ text }));
          const timestamp = Math.floor(Date.now() / 1000);
          const headers = {
            'webhook-id': 'msg_1',
            'webhook-timestamp': String(timestamp),
            'webhook-signature': standardSignature([Buffer.from(key)], 'msg_1', timestamp, payload),
          };
          const library = new Webhook(Buffer.from(key).toString('base64'));
          expect(library.verify(payload, headers)).toEqual({ text });
          const changed = Buffer.from(payload);
          const at = position % changed.length;
          changed[at] = (changed[at] as number) ^ 1;
          expect(() => library.verify(changed, headers)).toThrow('No matching signature found');
        },
      ),
    );
  });

  it('webhook signatures carry one signature for each live secret while one is replaced', () => {
    const secrets = [
      'whsec_' + Buffer.alloc(32, 1).toString('base64'),
      'whsec_' + Buffer.alloc(32, 2).toString('base64'),
    ];
    const signer = signerWith({ webhook: { secrets: new Map([['default', secrets]]) } });
    const timestamp = Math.floor(Date.now() / 1000);
    const attempt = { keyId: 'default', secretFingerprint: null, jobId: 'job', deliveryId: 'd', attempt: 2, timestamp };
    const headers = signer.headers(attempt, body);
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(2);
    for (const secret of secrets) new Webhook(secret).verify(body, headers);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Generation-Service/2.0',
      'x-job-id': 'job',
      'x-delivery-attempt': '2',
      'webhook-id': 'd',
      'webhook-timestamp': String(timestamp),
    });
  });

  it('webhook signatures use the shared key’s own bytes where no webhook secret is set', () => {
    const [newest, old] = ['n'.repeat(40), 'o'.repeat(40)] as const;
    const signer = signerWith({ keys: { acme: [newest, old] } });
    const timestamp = Math.floor(Date.now() / 1000);
    const attempt = { keyId: 'acme', secretFingerprint: null, jobId: null, deliveryId: 'd', attempt: 1, timestamp };
    const headers = signer.headers(attempt, body);
    for (const secret of [newest, old]) new Webhook(Buffer.from(secret).toString('base64')).verify(body, headers);
    expect(headers).not.toHaveProperty('x-job-id');
  });

  it('webhook signatures are made with the secret that signed the request while it lives, then with the newest', () => {
    const [newest, old, gone] = ['n'.repeat(40), 'o'.repeat(40), 'g'.repeat(40)] as const;
    const signer = signerWith({ keys: { acme: [newest, old] } });
    expect(signer.sharedSecret('acme', secretFingerprint(old))).toBe(old);
    expect(signer.sharedSecret('acme', secretFingerprint(gone))).toBe(newest);
    expect(signer.sharedSecret('acme', null)).toBe(newest);
    expect(() => signer.sharedSecret('somebody', null)).toThrow(NoLiveSecretError);
  });
});
