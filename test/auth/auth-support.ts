import { AuthService, type BodyFacts, type RequestFacts } from '../../src/auth/auth.service.js';
import { KeyRing } from '../../src/auth/key-ring.js';
import { ServiceError } from '../../src/common/service-error.js';
import type { AppConfig } from '../../src/config/app-config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { FakeClock } from '../support/fake-clock.js';
import { sha256Hex, signatureHeaders } from '../support/signing.js';

export const SECRETS = {
  acme: 'acme-secret-0123456789abcdef0123456789',
  betaNew: 'beta-new-secret-0123456789abcdef01234567',
  betaOld: 'beta-old-secret-0123456789abcdef01234567',
};

/** Unix seconds that the held clock shows. */
export const NOW = 1_767_225_600;

/** Late in its second, to show that counting in whole seconds does not round up. */
export const heldClock = () => new FakeClock({ at: NOW * 1000 + 999 });

/** The settings of a service with the key ids acme (one secret) and beta (two). */
export function authConfig(environment: Record<string, string> = {}): AppConfig {
  return loadConfig({
    SHARED_KEYS: JSON.stringify({ acme: SECRETS.acme, beta: [SECRETS.betaNew, SECRETS.betaOld] }),
    ...environment,
  });
}

export function authService(environment: Record<string, string> = {}): AuthService {
  return new AuthService(new KeyRing(authConfig(environment)), heldClock());
}

/** The headers of a correctly signed request, as Node's rawHeaders. */
export function signedHeaders(
  facts: { method: string; target: string },
  body: string | Buffer = '',
  secret: string = SECRETS.acme,
  seconds: number = NOW,
): string[] {
  return Object.entries(signatureHeaders(secret, { ...facts, body, at: seconds })).flat();
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

const EMPTY: BodyFacts = { bodySha256Hex: sha256Hex('') };
export const LOTS = '[{"lot_id":"лот-1","a":1.0}]';
export const LIST = { method: 'GET', target: '/api/v1/batch-jobs?limit=10', legacy: 'list' } as const;
export const PING = { method: 'POST', target: '/api/v1/webhooks/ping', legacy: 'none' } as const;

/** Both steps with an empty body. */
export function enter(facts: RequestFacts, environment: Record<string, string> = {}) {
  const auth = authService(environment);
  return auth.authenticate(auth.precheck(facts), EMPTY);
}

/** Both steps of an upload, its lots fed to the HMAC of those who claim to sign them. */
export function upload(
  rawHeaders: string[],
  {
    bodySignature,
    lots = LOTS,
    namesPhotos = true,
    environment = {},
  }: { bodySignature?: unknown; lots?: string; namesPhotos?: boolean; environment?: Record<string, string> },
) {
  const auth = authService(environment);
  const pending = auth.precheck({ ...UPLOAD_REQUEST, rawHeaders });
  auth.lotsHmac(pending)?.add(lots.slice(1, -1));
  return auth.authenticate(pending, { bodySha256Hex: sha256Hex('the body'), bodySignature, namesPhotos });
}
