import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';

/** One live secret of a key id. */
export interface LiveSecret {
  readonly keyId: string;
  readonly secret: string;
  /** What is stored with a job to find this secret again. */
  readonly fingerprint: string;
  /** Whether this key id may use the lots signature (AUTH_LOTS_SIGNATURE). */
  readonly lotsSignature: boolean;
}

/** 16 hex digits of the secret's SHA-256. Secrets have at least 32 bytes, so this does not reveal them. */
export function secretFingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 16);
}

/** The key ids and their live secrets. */
@Injectable()
export class KeyRing {
  /** Newest first within a key id. */
  readonly secrets: readonly LiveSecret[];
  private readonly byKeyId: ReadonlyMap<string, readonly LiveSecret[]>;

  constructor(@Inject(APP_CONFIG) config: AppConfig) {
    const { keys, lotsSignature } = config.auth;
    this.byKeyId = new Map(
      [...keys].map(([keyId, secrets]) => [
        keyId,
        secrets.map((secret) => ({
          keyId,
          secret,
          fingerprint: secretFingerprint(secret),
          lotsSignature: typeof lotsSignature === 'boolean' ? lotsSignature : lotsSignature.has(keyId),
        })),
      ]),
    );
    this.secrets = [...this.byKeyId.values()].flat();
  }

  /**
   * The secrets that may have signed a request: those of the key id that it names (none for an unknown id), otherwise
   * all.
   */
  candidates(keyId: string | undefined): readonly LiveSecret[] {
    return keyId === undefined ? this.secrets : (this.byKeyId.get(keyId) ?? []);
  }

  /**
   * The secret that signs for a job: the one that signed its request while it is live, else the newest of its key id.
   * @returns undefined when the key id is no longer configured
   */
  signingSecret(keyId: string, fingerprint: string | null): LiveSecret | undefined {
    const secrets = this.byKeyId.get(keyId);
    return secrets?.find((secret) => secret.fingerprint === fingerprint) ?? secrets?.[0];
  }
}
