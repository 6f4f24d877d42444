import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { isUuid } from '../common/ids.js';
import type { Caller, SignedCaller } from './caller.js';
import { ServiceError } from '../common/service-error.js';
import { KeyRing, type LiveSecret } from './key-ring.js';
import { invalidSignature, missingSignature, type SeenRequest } from './refusals.js';
import { signedMethods, signedTargets } from './request-target.js';
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

/**
 * Which scheme 2 message is accepted for a route: the lots of its body, its job id, or its path with query; `none`:
 * scheme 1 only.
 */
export type LegacyMessage = 'lots' | 'job-id' | 'list' | 'none';

/** What is known about a request before its body is read. */
export interface RequestFacts {
  readonly method: string;
  /** As sent: Express's `originalUrl`. */
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly legacy: LegacyMessage;
  /** The job id of the path as sent; needed only for `job-id`. */
  readonly jobId?: string | undefined;
  /** Whether LEGACY_UNSIGNED_READS is on and holds for this route. */
  readonly unsignedRead?: boolean;
}

/** What is known once the body has been read. */
export interface BodyFacts {
  /** Lower-case hex SHA-256 of the decoded body. */
  readonly bodySha256Hex: string;
  /** The body's member `signature`, of any type; only for `lots`. */
  readonly bodySignature?: unknown;
  /** Whether some lot of the body has a member `images`; only for `lots`. */
  readonly namesPhotos?: boolean;
}

/** A request whose headers are well-formed; its signature is not yet proven. */
export type PendingAuthentication = PendingSignedRequest | PendingLegacy | PendingUnsigned;

interface PendingSignedRequest {
  readonly scheme: 1;
  readonly candidates: readonly LiveSecret[];
  readonly mac: Buffer;
  readonly timestamp: string;
  readonly facts: RequestFacts;
}

interface PendingLegacy {
  readonly scheme: 2;
  readonly candidates: readonly LiveSecret[];
  /** Absent when the signature comes with the body. */
  readonly mac: Buffer | undefined;
  /**
   * The texts that may have been signed; for `lots`, the HMACs that the lots are fed to. Without any, no signature can
   * be correct.
   */
  readonly messages: readonly Buffer[] | LotsHmac;
  readonly unsignedRead: boolean;
  readonly facts: RequestFacts;
}

interface PendingUnsigned {
  readonly scheme: 'unsigned';
}

/** Checks signatures. Knows only the headers of HTTP and never uses the database. */
@Injectable()
export class AuthService {
  /**
   * Used when no live secret may have signed, and never accepted. Without hashing the refusal would come sooner and so
   * tell which key ids exist.
   */
  private readonly decoy: LiveSecret;

  constructor(
    private readonly keys: KeyRing,
    private readonly clock: Clock,
  ) {
    this.decoy = { keyId: '', secret: randomBytes(32).toString('hex'), fingerprint: '', lotsSignature: true };
  }

  /**
   * Before the body is read: headers well-formed, timestamp fresh. It does not yet matter which key ids exist and how
   * they may sign, because an early refusal would tell that.
   * @throws ServiceError MISSING_SIGNATURE (401), INVALID_SIGNATURE (403)
   */
  precheck(facts: RequestFacts): PendingAuthentication {
    const headers = readSignatureHeaders(facts.rawHeaders);
    if (headers.doubled) throw invalidSignature(this.seen(facts));
    const signature = headers.signature ?? '';
    if (signature === '' && facts.unsignedRead === true) return { scheme: 'unsigned' };
    if (signature === '' && facts.legacy !== 'lots') throw this.missing(facts);
    const candidates = this.keys.candidates(headers.keyId);
    if (signature.startsWith('v1=')) {
      if (!isWellFormedTimestamp(headers.timestamp)) throw this.missing(facts);
      const mac = parseMac(signature.slice('v1='.length));
      if (mac === null || !isFresh(headers.timestamp, this.clock.now())) throw invalidSignature(this.seen(facts));
      return { scheme: 1, candidates: this.orDecoy(candidates), mac, timestamp: headers.timestamp, facts };
    }
    return this.precheckLegacy(facts, signature, candidates);
  }

  /**
   * The HMACs that the lots' source texts are to be fed to while the body streams, or null when the signature does not
   * cover them.
   */
  lotsHmac(pending: PendingAuthentication): LotsHmac | null {
    return pending.scheme === 2 && pending.messages instanceof LotsHmac ? pending.messages : null;
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
        const { mac, candidates, facts } = pending;
        const digests = signedMessages(pending, body).map((message) => digestsOf(candidates, message));
        return prove(1, mac, candidates, digests) ?? this.refuse(facts, body);
      }
      case 2:
        return this.authenticateLegacy(pending, body);
    }
  }

  private precheckLegacy(facts: RequestFacts, signature: string, keyed: readonly LiveSecret[]): PendingAuthentication {
    const mac = parseLegacyMac(signature);
    if ((signature !== '' && mac === null) || facts.legacy === 'none') throw invalidSignature(this.seen(facts));
    const signing = keyed.filter((secret) => secret.lotsSignature);
    // When no key id may sign this way, there is no key id to protect, so nothing needs to be computed.
    const candidates = this.keys.secrets.some((secret) => secret.lotsSignature) ? this.orDecoy(signing) : [];
    return {
      scheme: 2,
      candidates,
      mac: mac ?? undefined,
      messages: legacyMessages(facts, candidates),
      unsignedRead: facts.unsignedRead === true && keyed.length > 0,
      facts,
    };
  }

  private authenticateLegacy(pending: PendingLegacy, body: BodyFacts): Caller {
    const { candidates, messages, facts } = pending;
    const mac = pending.mac ?? this.bodyMac(facts, body);
    const digests =
      messages instanceof LotsHmac ? [messages.digests()] : messages.map((message) => digestsOf(candidates, message));
    const caller = prove(2, mac, candidates, digests);
    // Receivers of webhooks have signatures over an empty list of lots and over lots without photos.
    const isRequest = facts.legacy !== 'lots' || body.namesPhotos === true;
    if (caller !== null && isRequest) return caller;
    // The only old client that ever worked reads jobs with the signature of the empty string.
    const { secrets } = this.keys;
    if (pending.unsignedRead && prove(2, mac, secrets, [digestsOf(secrets, '')]) !== null)
      return { scheme: 'unsigned' };
    return this.refuse(facts, body);
  }

  private bodyMac(facts: RequestFacts, body: BodyFacts): Buffer {
    const { bodySignature: signature } = body;
    if (signature === undefined || signature === null || signature === '') throw this.missing(facts, body);
    return (typeof signature === 'string' ? parseLegacyMac(signature) : null) ?? this.refuse(facts, body);
  }

  private orDecoy(candidates: readonly LiveSecret[]): readonly LiveSecret[] {
    return candidates.length === 0 ? [this.decoy] : candidates;
  }

  private missing(facts: RequestFacts, body?: BodyFacts): ServiceError {
    return missingSignature(this.seen(facts, body), facts.legacy === 'lots');
  }

  private refuse(facts: RequestFacts, body: BodyFacts): never {
    throw invalidSignature(this.seen(facts, body));
  }

  private seen({ method, target }: RequestFacts, body?: BodyFacts): SeenRequest {
    return { method, target, bodySha256Hex: body?.bodySha256Hex ?? null, at: this.clock.date() };
  }
}

/** The texts that scheme 1 may have signed: one string, plus the forms that proxies change a request into. */
function signedMessages({ timestamp, facts }: PendingSignedRequest, { bodySha256Hex }: BodyFacts): Buffer[] {
  return signedMethods(facts.method).flatMap((method) =>
    signedTargets(facts.target).map((target) =>
      Buffer.from(stringToSign({ timestamp, method, target, bodySha256Hex }), 'latin1'),
    ),
  );
}

function legacyMessages(facts: RequestFacts, candidates: readonly LiveSecret[]): readonly Buffer[] | LotsHmac {
  if (facts.legacy === 'lots') return new LotsHmac(candidates.map(({ secret }) => secret));
  // Node reads a request's bytes as Latin-1: this gives back the bytes that the client signed.
  if (facts.legacy === 'list') return signedTargets(facts.target).map((target) => Buffer.from(target, 'latin1'));
  if (facts.jobId === undefined) throw new Error('a route signed by its job id must have the job id in its path');
  // A receiver of a webhook has the HMAC of its body, which would also be valid for a path that ends in that body.
  return isUuid(facts.jobId) ? [Buffer.from(facts.jobId)] : [];
}

function digestsOf(candidates: readonly LiveSecret[], message: string | Buffer): Buffer[] {
  return candidates.map(({ secret }) => Buffer.from(hmacHex(secret, message), 'hex'));
}

/**
 * Compares with every candidate, so that the time taken does not tell which one signed.
 * @param digests - of each text that may have been signed, by candidate
 */
function prove(
  scheme: 1 | 2,
  mac: Buffer,
  candidates: readonly LiveSecret[],
  digests: readonly (readonly Buffer[])[],
): SignedCaller | null {
  let proven: LiveSecret | undefined;
  for (const ofMessage of digests) {
    for (const [index, candidate] of candidates.entries()) {
      if (sameMac(mac, ofMessage[index] as Buffer)) proven = candidate;
    }
  }
  // The stand-in for a key id that does not exist is not a live key, and its secret is unknown to everyone.
  if (proven === undefined || proven.keyId === '') return null;
  return { scheme, keyId: proven.keyId, secretFingerprint: proven.fingerprint, signature: mac.toString('hex') };
}
