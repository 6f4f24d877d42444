/**
 * Signs the requests that Swagger UI sends, in the browser: the secret typed under Authorize never leaves the page.
 * Served unchanged at /docs-assets/sign.js (no build step, no module), so that a strict Content-Security-Policy holds.
 * Defines `window.signRequest` (scheme 1 of docs/signing.md), `window.maskSecret`, a plugin of Swagger UI, and
 * `window.digests` for the page that checks a signature.
 */
(() => {
  'use strict';

  /** The header into which Swagger UI puts the input of Authorize; src/docs/docs.setup.ts uses the same name. */
  const SECRET_HEADER = 'x-signing-secret';
  const KEY_ID_HEADER = 'x-key-id';
  /** The id of Swagger UI's box for what a header is to hold. */
  const SECRET_BOX = 'api_key_value';

  /** SHA-256's first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
  const ROUND_CONSTANTS = fractions(64, (prime) => Math.cbrt(prime));
  /** The same of the square roots of the first 8 (5.3.3). */
  const INITIAL_STATE = fractions(8, (prime) => Math.sqrt(prime));
  const BLOCK_BYTES = 64;

  /**
   * Swagger UI's requestInterceptor: takes the secret out of the headers and puts the signature in.
   * @param {{url: string, method?: string, headers: Record<string, string>, body?: unknown}} request
   * @returns {Promise<object>} the same request; unsigned if no secret was typed
   */
  window.signRequest = async (request) => {
    const secret = takeHeader(request.headers, SECRET_HEADER);
    const keyId = takeHeader(request.headers, KEY_ID_HEADER);
    if (secret === '') return request;
    const url = new URL(request.url, window.location.href);
    // Other hosts cannot use the signature and must not see it.
    if (url.origin !== window.location.origin) return request;
    // A key id alone signs nothing, and it may be a secret pasted into the wrong place.
    if (keyId !== '' && keyId !== secret) request.headers['X-Key-Id'] = keyId;
    const timestamp = String(Math.floor(Date.now() / 1000));
    const method = (request.method ?? 'GET').toUpperCase();
    const body = typeof request.body === 'string' ? request.body : '';
    const digest = hex(await sha256(utf8(body)));
    const message = ['v1', timestamp, method, url.pathname + url.search, digest].join('\n');
    request.headers['X-Timestamp'] = timestamp;
    request.headers['X-Signature'] = `v1=${hex(await hmacSha256(utf8(secret), utf8(message)))}`;
    return request;
  };

  /** Hashes of bytes, as bytes; and texts as bytes, bytes as hex. */
  window.digests = { sha256, hmacSha256, utf8, hex };

  /** Swagger UI's plugin that shows dots in the place of the secret, as it is typed. */
  window.maskSecret = () => ({
    wrapComponents: {
      Input:
        (Input, { React }) =>
        (props) =>
          React.createElement(
            Input,
            props.id === SECRET_BOX ? { ...props, type: 'password', autoComplete: 'off', spellCheck: false } : props,
          ),
    },
  });

  /** Header names differ in case between versions of Swagger UI; none of that name may stay. */
  function takeHeader(headers, wanted) {
    let value = '';
    for (const name of Object.keys(headers)) {
      if (name.toLowerCase() !== wanted) continue;
      value = String(headers[name]);
      delete headers[name];
    }
    return value;
  }

  /** Browsers have no crypto.subtle on plain http, except on localhost. */
  async function sha256(bytes) {
    const subtle = window.crypto?.subtle;
    return subtle === undefined ? plainSha256(bytes) : new Uint8Array(await subtle.digest('SHA-256', bytes));
  }

  async function hmacSha256(key, message) {
    const subtle = window.crypto?.subtle;
    if (subtle === undefined) return plainHmac(key, message);
    const imported = await subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    return new Uint8Array(await subtle.sign('HMAC', imported, message));
  }

  function plainHmac(key, message) {
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(key.length > BLOCK_BYTES ? plainSha256(key) : key);
    const inner = plainSha256(
      concat(
        block.map((byte) => byte ^ 0x36),
        message,
      ),
    );
    return plainSha256(
      concat(
        block.map((byte) => byte ^ 0x5c),
        inner,
      ),
    );
  }

  function plainSha256(bytes) {
    const blocks = Math.ceil((bytes.length + 9) / BLOCK_BYTES);
    const padded = new Uint8Array(blocks * BLOCK_BYTES);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 8, Math.floor((bytes.length * 8) / 2 ** 32));
    view.setUint32(padded.length - 4, (bytes.length * 8) >>> 0);
    const state = Uint32Array.from(INITIAL_STATE);
    const words = new Uint32Array(64);
    for (let offset = 0; offset < padded.length; offset += BLOCK_BYTES) {
      for (let i = 0; i < 16; i++) words[i] = view.getUint32(offset + i * 4);
      for (let i = 16; i < 64; i++) {
        const a = words[i - 15];
        const b = words[i - 2];
        const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
        const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
        words[i] = words[i - 16] + s0 + words[i - 7] + s1;
      }
      compress(state, words);
    }
    const digest = new Uint8Array(32);
    const out = new DataView(digest.buffer);
    state.forEach((word, index) => out.setUint32(index * 4, word));
    return digest;
  }

  function compress(state, words) {
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[i] + words[i]) | 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, index) => {
      state[index] += value;
    });
  }

  /** The first 32 bits of the fractional part of `root` of the first `count` primes; exact in doubles for these. */
  function fractions(count, root) {
    const found = [];
    for (let candidate = 2; found.length < count; candidate++) {
      if (!found.some((prime) => candidate % prime === 0)) found.push(candidate);
    }
    return Uint32Array.from(found, (prime) => Math.floor((root(prime) % 1) * 2 ** 32));
  }

  function rotate(word, bits) {
    return (word >>> bits) | (word << (32 - bits));
  }

  function concat(first, second) {
    const joined = new Uint8Array(first.length + second.length);
    joined.set(first);
    joined.set(second, first.length);
    return joined;
  }

  function utf8(text) {
    return new TextEncoder().encode(text);
  }

  function hex(bytes) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
})();
