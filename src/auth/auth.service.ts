import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import type { Caller, SignedCaller } from './caller.js';
import { KeyRing, type LiveSecret } from './keys.js';
import {
  hmacHex,
  isFresh,
  isWellFormedTimestamp,
  LotsHmac,
  parseLegacyMac,
  parseMac,
  readSignatureHeaders,
  sameMac,
  stringToSign,
} from './signatures.js';

/** Which scheme 2 message opens a route: the lots of its body, its job id, its path with query; `none`: scheme 1 only. */
export type LegacyMessage = 'lots' | 'job-id' | 'list' | 'none';

/** What is known of a request before its body is read. */
export interface RequestFacts {
  readonly method: string;
  /** Path with query, as sent: Express's `originalUrl`. */
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly legacy: LegacyMessage;
  /** The job id of the path as sent; needed for `job-id` alone. */
  readonly jobId?: string | undefined;
  /** Whether LEGACY_UNSIGNED_READS is on and holds for this route. */
  readonly unsignedRead?: boolean;
}

/** What is known once the body has been read. */
export interface BodyFacts {
  /** Lower-case hex SHA-256 of the decoded body. */
  readonly bodySha256Hex: string;
  /** The body's member `signature`, of any type; for `lots` alone. */
  readonly bodySignature?: unknown;
}

/** A request whose headers are well-formed; its signature is not yet proven. */
export type PendingAuthentication = PendingSignedRequest | PendingLegacy | PendingUnsigned;

interface PendingSignedRequest {
  readonly scheme: 1;
  readonly candidates: readonly LiveSecret[];
  readonly mac: Buffer;
  readonly method: string;
  readonly target: string;
  readonly timestamp: string;
}

interface PendingLegacy {
  readonly scheme: 2;
  readonly candidates: readonly LiveSecret[];
  /** Absent: the signature is to come with the body. */
  readonly mac: Buffer | undefined;
  /** What was signed; for `lots`, the HMACs that the lots are fed to. */
  readonly message: Buffer | LotsHmac;
  readonly unsignedRead: boolean;
}

interface PendingUnsigned {
  readonly scheme: 'unsigned';
}

/** Judges signatures. Knows nothing of HTTP beyond headers, and never touches the database. */
@Injectable()
export class AuthService {
  constructor(
    private readonly keys: KeyRing,
    private readonly clock: Clock,
  ) {}

  /**
   * Before the body is read: headers well-formed, timestamp fresh.
   * @throws ServiceError MISSING_SIGNATURE (401), INVALID_SIGNATURE (403)
   */
  precheck(facts: RequestFacts): PendingAuthentication {
    const headers = readSignatureHeaders(facts.rawHeaders);
    if (headers.doubled) throw invalidSignature();
    const signature = headers.signature ?? '';
    if (signature === '' && facts.unsignedRead === true) return { scheme: 'unsigned' };
    if (signature === '' && facts.legacy !== 'lots') throw missingSignature(facts.legacy);
    const candidates = this.keys.candidates(headers.keyId);
    if (signature.startsWith('v1=')) {
      if (!isWellFormedTimestamp(headers.timestamp)) throw missingSignature(facts.legacy);
      const mac = parseMac(signature.slice('v1='.length));
      if (mac === null || candidates.length === 0) throw invalidSignature();
      if (!isFresh(headers.timestamp, this.clock.now())) throw invalidSignature();
      const { method, target } = facts;
      return { scheme: 1, candidates, mac, method, target, timestamp: headers.timestamp };
    }
    return this.precheckLegacy(facts, signature, candidates);
  }

  /**
   * The HMACs that the lots' source texts are to be fed to while the body streams, or null when the signature does not
   * cover them.
   */
  lotsHmac(pending: PendingAuthentication): LotsHmac | null {
    return pending.scheme === 2 && pending.message instanceof LotsHmac ? pending.message : null;
  }

  /**
   * After the body was read.
   * @throws ServiceError MISSING_SIGNATURE (401), INVALID_SIGNATURE (403)
   */
  authenticate(pending: PendingAuthentication, body: BodyFacts): Caller {
    switch (pending.scheme) {
      case 'unsigned':
        return { scheme: 'unsigned' };
      case 1: {
        const message = stringToSign({ ...pending, bodySha256Hex: body.bodySha256Hex });
        const digests = digestsOf(pending.candidates, Buffer.from(message, 'latin1'));
        return prove(1, pending.mac, pending.candidates, digests) ?? refuse();
      }
      case 2:
        return this.authenticateLegacy(pending, body);
    }
  }

  private precheckLegacy(facts: RequestFacts, signature: string, keyed: readonly LiveSecret[]): PendingAuthentication {
    const mac = parseLegacyMac(signature);
    if (signature !== '' && mac === null) throw invalidSignature();
    const candidates = keyed.filter((secret) => secret.lotsSignature);
    // Without a candidate nothing can fit; but a body without a signature is to be told that (401), not this (403).
    const hopeless = keyed.length === 0 || (candidates.length === 0 && facts.unsignedRead !== true);
    if (facts.legacy === 'none' || (mac !== null && hopeless)) throw invalidSignature();
    return {
      scheme: 2,
      candidates,
      mac: mac ?? undefined,
      message: legacyMessage(facts, candidates),
      unsignedRead: facts.unsignedRead === true,
    };
  }

  private authenticateLegacy(pending: PendingLegacy, body: BodyFacts): Caller {
    const { candidates, message } = pending;
    const mac = pending.mac ?? bodyMac(body.bodySignature);
    const digests = message instanceof LotsHmac ? message.digests() : digestsOf(candidates, message);
    const caller = prove(2, mac, candidates, digests);
    if (caller !== null) return caller;
    // The one old client that ever worked reads jobs with the signature of the empty string.
    const secrets = this.keys.secrets;
    if (pending.unsignedRead && prove(2, mac, secrets, digestsOf(secrets, '')) !== null) return { scheme: 'unsigned' };
    return refuse();
  }
}

function legacyMessage(facts: RequestFacts, candidates: readonly LiveSecret[]): Buffer | LotsHmac {
  if (facts.legacy === 'lots') return new LotsHmac(candidates.map(({ secret }) => secret));
  // Node reads a request's bytes as Latin-1: this gives back the bytes that the client signed.
  if (facts.legacy === 'list') return Buffer.from(facts.target, 'latin1');
  if (facts.jobId === undefined) throw new Error('a route that is opened by its job id must have one in its path');
  return Buffer.from(facts.jobId);
}

function digestsOf(candidates: readonly LiveSecret[], message: string | Buffer): Buffer[] {
  return candidates.map(({ secret }) => Buffer.from(hmacHex(secret, message), 'hex'));
}

/** Compares with every candidate, so that time tells nothing of which one signed. */
function prove(
  scheme: 1 | 2,
  mac: Buffer,
  candidates: readonly LiveSecret[],
  digests: readonly Buffer[],
): SignedCaller | null {
  let proven: LiveSecret | undefined;
  for (const [index, candidate] of candidates.entries()) {
    if (sameMac(mac, digests[index] as Buffer)) proven = candidate;
  }
  if (proven === undefined) return null;
  return { scheme, keyId: proven.keyId, secretFingerprint: proven.fingerprint, signature: mac.toString('hex') };
}

function bodyMac(signature: unknown): Buffer {
  if (signature === undefined || signature === null || signature === '') throw missingSignature('lots');
  return (typeof signature === 'string' ? parseLegacyMac(signature) : null) ?? refuse();
}

function missingSignature(legacy: LegacyMessage): ServiceError {
  const also = legacy === 'lots' ? ', or send the lots signature in the member signature' : '';
  return new ServiceError(
    'MISSING_SIGNATURE',
    `Sign the request: X-Timestamp with ten digits of unix seconds and X-Signature: v1=<hex>${also}. ` +
      'How is written in /docs.',
  );
}

/** Says the same whatever is wrong: which part of a guess was right is nobody's business. */
function invalidSignature(): ServiceError {
  return new ServiceError(
    'INVALID_SIGNATURE',
    'The signature does not fit. Sign "v1\\n" + X-Timestamp + "\\n" + method + "\\n" + path with query + "\\n" + hex SHA-256 of ' +
      'the body with a live secret, in lower-case hex, and send it once as X-Signature: v1=<hex> within 300 s. Signatures ' +
      'over the raw body, as an older service took them, are not accepted.',
  );
}

function refuse(): never {
  throw invalidSignature();
}
