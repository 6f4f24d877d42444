import { hmacSha256, Sha256, toHex } from './sha256.js';

const utf8 = new TextEncoder();

/** What is signed: one request as it goes over the wire. */
export interface Signable {
  readonly method: string;
  /** The path with its query, exactly as sent. */
  readonly target: string;
  /** SHA-256 in hex of the body before it is compressed; without it, of no body. */
  readonly bodyDigest?: string;
}

/** The headers of a signed request (docs/signing.md). The secret is used as UTF-8 text. */
export function signRequest(
  secret: string,
  request: Signable,
  timestamp: number = Math.floor(Date.now() / 1000),
): { 'X-Timestamp': string; 'X-Signature': string } {
  const digest = request.bodyDigest ?? sha256Hex('');
  const text = ['v1', timestamp, request.method, request.target, digest].join('\n');
  const signature = toHex(hmacSha256(utf8.encode(secret), utf8.encode(text)));
  return { 'X-Timestamp': String(timestamp), 'X-Signature': `v1=${signature}` };
}

export function sha256Hex(body: string | Uint8Array): string {
  return toHex(new Sha256().update(typeof body === 'string' ? utf8.encode(body) : body).digest());
}
