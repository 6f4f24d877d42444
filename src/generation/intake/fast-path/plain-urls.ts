import { CODES } from '../../../common/character-codes.js';
import { MAX_SIMPLE_URL, type AddressVerdicts } from '../../request/address-verdicts.js';

const { BACKSLASH, DELETE, QUOTE, SLASH, SPACE } = CODES;

/**
 * 1: may stand in a simple URL behind its authority. Neither quote nor backslash, so it needs no escape in JSON either.
 */
const REST_BYTES = byteClass((byte) => byte > SPACE && byte < DELETE && byte !== QUOTE && byte !== BACKSLASH);
const AUTHORITY_BYTES = byteClass((byte) => /[a-z0-9_.:-]/.test(String.fromCharCode(byte)));

/** Finds simple URLs that are allowed straight in the bytes; all others are left to {@link AddressVerdicts}. */
export class PlainUrls {
  /** The last origin that was accepted; the next photo usually has the same one. */
  private last: Uint8Array = new Uint8Array(0);

  constructor(private readonly verdicts: AddressVerdicts) {}

  /**
   * @param from - the position of the URL's first byte in `bytes`, behind its opening quote
   * @returns the position of its closing quote, or -1 when `checkUrl` must decide
   */
  endOfAllowed(bytes: Uint8Array, from: number): number {
    const last = this.last;
    let at = from;
    for (let index = 0; index < last.length && bytes[at] === last[index]; index++) at++;
    // Only a slash behind the origin shows that the host ends here and is not the beginning of a longer one.
    if (last.length === 0 || at - from !== last.length || bytes[at] !== SLASH) {
      at = this.endOfNewOrigin(bytes, from);
      if (at < 0) return -1;
    }
    const limit = Math.min(bytes.length, from + MAX_SIMPLE_URL + 1);
    while (at < limit && REST_BYTES[bytes[at] as number] === 1) at++;
    return at < limit && bytes[at] === QUOTE ? at : -1;
  }

  private endOfNewOrigin(bytes: Uint8Array, from: number): number {
    let at = from;
    // The scheme's letters, its colon and two slashes; then the authority.
    while (at < bytes.length && at - from < 6 && bytes[at] !== SLASH) at++;
    if (bytes[at] !== SLASH || bytes[at + 1] !== SLASH) return -1;
    at += 2;
    while (at < bytes.length && AUTHORITY_BYTES[bytes[at] as number] === 1) at++;
    if (bytes[at] !== SLASH) return -1;
    const origin = String.fromCharCode(...bytes.subarray(from, Math.min(at, from + MAX_SIMPLE_URL)));
    if (!this.verdicts.isOriginAllowed(origin)) return -1;
    this.last = Uint8Array.prototype.slice.call(bytes, from, at);
    return at;
  }
}

function byteClass(has: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(has(byte)));
}
