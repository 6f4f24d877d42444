import { createHash } from 'node:crypto';
import { AuthService, type RequestFacts } from '../../src/auth/auth.service.js';
import { KeyRing } from '../../src/auth/key-ring.js';
import { signRequest } from '../../src/auth/signatures.js';
import { Clock } from '../../src/common/clock.js';
import { ServiceError } from '../../src/common/service-error.js';
import type { AppConfig } from '../../src/config/app-config.js';
import { loadConfig } from '../../src/config/load-config.js';

export const SECRETS = {
  acme: 'acme-secret-0123456789abcdef0123456789',
  betaNew: 'beta-new-secret-0123456789abcdef01234567',
  betaOld: 'beta-old-secret-0123456789abcdef01234567',
};

/** Unix seconds that the held clock shows. */
export const NOW = 1_767_225_600;

export class HeldClock extends Clock {
  seconds = NOW;

  override now(): number {
    return this.seconds * 1000 + 999;
  }
}

/** The settings of a service with the key ids acme (one secret) and beta (two). */
export function authConfig(environment: Record<string, string> = {}): AppConfig {
  return loadConfig({
    SHARED_KEYS: JSON.stringify({ acme: SECRETS.acme, beta: [SECRETS.betaNew, SECRETS.betaOld] }),
    ...environment,
  });
}

export function authService(environment: Record<string, string> = {}): AuthService {
  return new AuthService(new KeyRing(authConfig(environment)), new HeldClock());
}

export function sha256Hex(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** The headers of a rightly signed request, as Node's rawHeaders. */
export function signedHeaders(
  facts: { method: string; target: string },
  body: string | Buffer = '',
  secret: string = SECRETS.acme,
  seconds: number = NOW,
): string[] {
  const timestamp = String(seconds);
  const signature = signRequest(secret, { timestamp, ...facts, bodySha256Hex: sha256Hex(body) });
  return ['X-Timestamp', timestamp, 'X-Signature', signature];
}

/** `code` of the ServiceError that `work` throws; any other outcome fails the test. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
  return 'accepted';
}

export const STATUS_REQUEST = {
  method: 'GET',
  target: '/api/v1/batch-status/0190163d-8694-739b-aea5-966c26f8ad90',
  legacy: 'job-id',
  jobId: '0190163d-8694-739b-aea5-966c26f8ad90',
} as const satisfies Partial<RequestFacts>;

export const UPLOAD_REQUEST = {
  method: 'POST',
  target: '/api/v1/generate-descriptions',
  legacy: 'lots',
} as const satisfies Partial<RequestFacts>;
