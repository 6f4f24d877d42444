import { createHash, createHmac, timingSafeEqual, type Hmac } from 'node:crypto';
import { canonicalValue } from './canonical-json.js';

/** Seconds that X-Timestamp may differ from our clock, either way. */
export const TIMESTAMP_WINDOW_SECONDS = 300;

/** The SHA-256 of no bytes: the body of every GET. */
export const EMPTY_BODY_SHA256 = createHash('sha256').digest('hex');

/** What scheme 1 signs. */
export interface SignedRequestParts {
  /** X-Timestamp as sent. */
  readonly timestamp: string;
  readonly method: string;
  /** Path with query, as sent. */
  readonly target: string;
  /** Lower-case hex SHA-256 of the body after Content-Encoding is undone. */
  readonly bodySha256Hex: string;
}

/** The string-to-sign of scheme 1. Node reads a request's bytes as Latin-1, so it is signed as Latin-1 again. */
export function stringToSign({ timestamp, method, target, bodySha256Hex }: SignedRequestParts): string {
  return `v1\n${timestamp}\n${method}\n${target}\n${bodySha256Hex}`;
}

/** The value of X-Signature in scheme 1. */
export function signRequest(secret: string | Buffer, parts: SignedRequestParts): string {
  return `v1=${hmacHex(secret, Buffer.from(stringToSign(parts), 'latin1'))}`;
}

/** HMAC-SHA256 in lower-case hex; strings count as UTF-8. */
export function hmacHex(secret: string | Buffer, message: string | Buffer): string {
  return createHmac('sha256', secret).update(message).digest('hex');
}

/** The lots signature of a whole array, given as JSON text; {@link LotsHmac} takes it lot by lot. */
export function signLots(secret: string | Buffer, lotsText: string): string {
  return hmacHex(secret, canonicalValue(lotsText));
}

/** Scheme 2 for status, results, download and cancel. */
export function signJobId(secret: string | Buffer, jobId: string): string {
  return hmacHex(secret, jobId);
}

/**
 * Texts are joined up to this length, because many small updates cost more than the hashing itself; longer joins gain
 * nothing.
 */
const BATCH_CHARACTERS = 32 * 1024;

/** The lots signature under several secrets at once, fed with one lot after the other. */
export class LotsHmac {
  private readonly hmacs: readonly Hmac[];
  private waiting = '[';
  private closing = ']';
  private isFirst = true;

  constructor(secrets: readonly (string | Buffer)[]) {
    this.hmacs = secrets.map((secret) => createHmac('sha256', secret));
  }

  /** @param lotText - the exact source text of the next lot, valid JSON */
  add(lotText: string): void {
    if (this.hmacs.length > 0) this.addCanonical(canonicalValue(lotText));
  }

  /** @param canonical - the next lot in canonical form already */
  addCanonical(canonical: string): void {
    if (this.hmacs.length === 0) return;
    this.waiting += this.isFirst ? canonical : ',' + canonical;
    this.isFirst = false;
    if (this.waiting.length >= BATCH_CHARACTERS) this.flush();
  }

  /**
   * Instead of `add`, for a `lots` that is not an array: the signature is checked first, then the mistake is reported.
   */
  useWhole(valueText: string): void {
    this.waiting = canonicalValue(valueText);
    this.closing = '';
  }

  /** The HMACs in the order of the secrets. Call it once, after the last lot. */
  digests(): Buffer[] {
    this.waiting += this.closing;
    this.flush();
    return this.hmacs.map((hmac) => hmac.digest());
  }

  private flush(): void {
    // The canonical form is ASCII.
    const bytes = Buffer.from(this.waiting, 'latin1');
    for (const hmac of this.hmacs) hmac.update(bytes);
    this.waiting = '';
  }
}

const MAC_HEX = /^[0-9a-f]{64}$/;

/** The 32 bytes of an HMAC in hex, or null: upper case and other lengths are no signature of ours. */
export function parseMac(hex: string): Buffer | null {
  return MAC_HEX.test(hex) ? Buffer.from(hex, 'hex') : null;
}

/** A scheme 2 signature, `<hex>` or `sha256=<hex>`. */
export function parseLegacyMac(value: string): Buffer | null {
  return parseMac(value.startsWith('sha256=') ? value.slice('sha256='.length) : value);
}

/** Takes the same time wherever the two differ. */
export function sameMac(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The three headers that say who is asking, as sent; undefined where there is none. */
export interface SignatureHeaders {
  readonly signature: string | undefined;
  readonly timestamp: string | undefined;
  readonly keyId: string | undefined;
  /** One of the three was sent more than once. */
  readonly doubled: boolean;
}

const NAMES = { 'x-signature': 'signature', 'x-timestamp': 'timestamp', 'x-key-id': 'keyId' } as const;

/**
 * @param rawHeaders - Node's `rawHeaders`: names and values in turn. `headers` would not do: it joins what was sent
 * twice with a comma, which a proxy in front may have read otherwise.
 */
export function readSignatureHeaders(rawHeaders: readonly string[]): SignatureHeaders {
  const found: { signature?: string; timestamp?: string; keyId?: string } = {};
  let doubled = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = NAMES[(rawHeaders[index] as string).toLowerCase() as keyof typeof NAMES] as
      (typeof NAMES)[keyof typeof NAMES] | undefined;
    if (name === undefined) continue;
    doubled ||= found[name] !== undefined;
    found[name] = rawHeaders[index + 1] as string;
  }
  return { signature: found.signature, timestamp: found.timestamp, keyId: found.keyId, doubled };
}

const WELL_FORMED_TIMESTAMP = /^\d{10}$/;

export function isWellFormedTimestamp(timestamp: string | undefined): timestamp is string {
  return timestamp !== undefined && WELL_FORMED_TIMESTAMP.test(timestamp);
}

/** @param nowMs - milliseconds since 1970; both sides count whole seconds */
export function isFresh(timestamp: string, nowMs: number): boolean {
  return Math.abs(Math.floor(nowMs / 1000) - Number(timestamp)) <= TIMESTAMP_WINDOW_SECONDS;
}
