import { createHmac } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { KeyRing } from '../auth/key-ring.js';
import { hmacHex } from '../auth/signatures.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';

const USER_AGENT = 'Generation-Service/2.0';

/** What is needed for the headers of one attempt. */
export interface SignedAttempt {
  readonly keyId: string;
  /** The job's `secret_fingerprint`; null for an event without a job. */
  readonly secretFingerprint: string | null;
  readonly jobId: string | null;
  /** The delivery's id; the same on every attempt, so that receivers can drop repeats. */
  readonly deliveryId: string;
  readonly attempt: number;
  /** The time of this attempt, in seconds since 1970. */
  readonly timestamp: number;
}

/** Thrown when the key id of a delivery is no longer configured, so that nothing can be signed for it. */
export class NoLiveSecretError extends Error {
  constructor() {
    super('the key id of this delivery has no live secret');
    this.name = 'NoLiveSecretError';
  }
}

/** The bytes of a Standard Webhooks secret: the base64 after `whsec_`. */
export function standardSecretBytes(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

/** The value of `webhook-signature` (Standard Webhooks 1.0.0): one `v1,<base64>` for each live secret. */
export function standardSignature(
  secrets: readonly Buffer[],
  deliveryId: string,
  timestamp: number,
  body: Buffer,
): string {
  const head = `${deliveryId}.${timestamp}.`;
  return secrets
    .map((secret) => `v1,${createHmac('sha256', secret).update(head).update(body).digest('base64')}`)
    .join(' ');
}

/** The value of `X-Signature`: HMAC-SHA256 over the exact bytes that are sent. */
export function bodySignature(secret: string, body: Buffer, format: 'sha256' | 'bare'): string {
  const hex = hmacHex(secret, body);
  return format === 'bare' ? hex : `sha256=${hex}`;
}

/** Finds the secrets that sign for a delivery and makes its headers. */
@Injectable()
export class WebhookSigner {
  /** Decoded secrets by key id. Settings do not change while a process runs. */
  private readonly standardByKeyId = new Map<string, readonly Buffer[]>();

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly keys: KeyRing,
  ) {}

  /**
   * The secret that signed the job's request if it is still configured, else the newest one of the key id.
   * @throws NoLiveSecretError
   */
  sharedSecret(keyId: string, fingerprint: string | null): string {
    const live = this.keys.signingSecret(keyId, fingerprint);
    if (live === undefined) throw new NoLiveSecretError();
    return live.secret;
  }

  /**
   * All headers of one attempt.
   * @throws NoLiveSecretError
   */
  headers(attempt: SignedAttempt, body: Buffer): Record<string, string> {
    const shared = this.sharedSecret(attempt.keyId, attempt.secretFingerprint);
    return {
      'content-type': 'application/json',
      'user-agent': USER_AGENT,
      'webhook-id': attempt.deliveryId,
      'webhook-timestamp': String(attempt.timestamp),
      'webhook-signature': standardSignature(
        this.standardSecrets(attempt.keyId),
        attempt.deliveryId,
        attempt.timestamp,
        body,
      ),
      'x-signature': bodySignature(shared, body, this.config.webhook.signatureFormat),
      'x-delivery-attempt': String(attempt.attempt),
      ...(attempt.jobId === null ? {} : { 'x-job-id': attempt.jobId }),
    };
  }

  private standardSecrets(keyId: string): readonly Buffer[] {
    let secrets = this.standardByKeyId.get(keyId);
    if (secrets === undefined) {
      const own = this.config.webhook.secrets.get(keyId) ?? [];
      const live = this.keys.candidates(keyId).map(({ secret }) => Buffer.from(secret));
      secrets = own.length > 0 ? own.map(standardSecretBytes) : live;
      this.standardByKeyId.set(keyId, secrets);
    }
    return secrets;
  }
}
