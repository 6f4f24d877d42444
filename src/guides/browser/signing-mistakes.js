/**
 * The usual mistakes of a program that signs: for each part of a signed request, what may have been signed in its place.
 * Defines `window.signingMistakes`, which touches neither page nor network.
 */
(() => {
  'use strict';

  const { sha256, utf8, hex } = window.digests;
  /** Seconds that lie between two looks at the clock. */
  const SECONDS_BETWEEN = [1, 2, 3, -1, -2, -3];
  /** A body is not written anew in other spellings above this length. */
  const MOST_CHARACTERS = 5_000_000;

  /**
   * What may have been signed instead, for each part; each with the sentence that says the mistake.
   * @param {object} right what had to be signed, and what was typed in
   * @returns {Promise<Record<string, {value: unknown, mistake: string}[]>>}
   */
  window.signingMistakes = async (right) => ({
    secret: secrets(right.secret),
    method: methods(right.method, right.typedMethod),
    target: targets(right.target, right.typedTarget, right.origins),
    digest: await digestsOf(right),
    timestamp: timestamps(right.timestamp),
    frame: FRAMES,
  });

  /** How the five lines were put together. */
  const FRAMES = [
    {
      value: (lines) => `${lines.join('\n')}\n`,
      mistake: 'A line end stands behind the last line. There must be none.',
    },
    { value: (lines) => lines.slice(1).join('\n'), mistake: 'The first line, v1, is missing in what was signed.' },
    { value: (lines) => lines.join(''), mistake: 'The lines were joined without line ends.' },
    { value: (lines) => lines.join(' '), mistake: 'The lines were joined by spaces; join them by line ends.' },
    { value: (lines) => lines.join('.'), mistake: 'The lines were joined by dots; join them by line ends.' },
    { value: (lines) => lines.join('\r\n'), mistake: 'The lines end with \\r\\n; they must end with \\n alone.' },
    {
      value: (lines) => lines.join('\\n'),
      mistake:
        'The lines were joined by a backslash and an n, not by a line end: in single quotes many languages keep them apart.',
    },
  ];

  function secrets(secret) {
    const found = [
      {
        value: utf8(`${secret}\n`),
        mistake: 'The program’s secret has a line end at its end. A file or a shell added it: strip it.',
      },
      { value: utf8(`${secret}\r\n`), mistake: 'The program’s secret has a line end (\\r\\n) at its end: strip it.' },
      { value: utf8(`${secret} `), mistake: 'The program’s secret has a space at its end: strip it.' },
      {
        value: utf8(`"${secret}"`),
        mistake: 'The program’s secret stands in quotes, which belong to the settings’ file: take them off.',
      },
    ];
    if (secret.trim() !== secret) {
      found.push({
        value: utf8(secret.trim()),
        mistake: 'The secret typed here has white space at an end, the program’s has none.',
      });
    }
    if (/^([0-9a-f]{2})+$/i.test(secret)) {
      found.push({
        value: Uint8Array.from(secret.match(/../g), (pair) => parseInt(pair, 16)),
        mistake: 'The program decoded the secret from hex. Use it as text, as it is.',
      });
    }
    const decoded = window.fromBase64(secret);
    if (decoded !== null) {
      found.push({ value: decoded, mistake: 'The program decoded the secret from base64. Use it as text, as it is.' });
    }
    return found;
  }

  function methods(method, typed) {
    const others = ['GET', 'POST', 'HEAD', 'PUT', method.toLowerCase(), typed].filter((other) => other !== method);
    return [...new Set(others)].map((value) => ({
      value,
      mistake: `The program signed the method ${value || '(none)'}; the request was sent with ${method}.`,
    }));
  }

  function targets(target, typed, origins) {
    const [path] = target.split('?');
    const found = origins.map((origin) => ({
      value: origin + target,
      mistake: `The program signed the address with ${origin}. Sign the path with its query alone, from the first slash after the host.`,
    }));
    if (path !== target) {
      found.push({
        value: path,
        mistake: 'The program signed the path without its query. Everything behind the ? belongs to it.',
      });
    }
    if (typed !== target) {
      found.push({
        value: typed,
        mistake: 'The program signed the path as it is typed here; the service received another one.',
      });
    }
    const turned = path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
    found.push({
      value: turned + target.slice(path.length),
      mistake: 'The signed path and the sent one differ in a slash at the end.',
    });
    const bare = target.replace(/^\/api\/v1/, '');
    if (bare !== target) found.push({ value: bare, mistake: 'The program signed the path without /api/v1.' });
    const decoded = decode(target);
    if (decoded !== target) {
      found.push({
        value: decoded,
        mistake: 'The program signed the path before its percent escapes were made. Sign it as it is sent.',
      });
    }
    return found.filter(({ value }) => value !== target);
  }

  function timestamps(timestamp) {
    const found = [
      { value: `${timestamp}000`, mistake: 'The program signed the time in milliseconds, and sent it in seconds.' },
    ];
    for (const seconds of SECONDS_BETWEEN) {
      found.push({
        value: String(Number(timestamp) + seconds),
        mistake: 'The program took the time twice: the signed one is another than X-Timestamp. Take it once.',
      });
    }
    return found;
  }

  /** Digests of other bytes than those that were sent, and other spellings of the digest. */
  async function digestsOf({ digest, body }) {
    const bytes = Uint8Array.from(digest.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    const text = new TextDecoder().decode(body);
    const found = [
      {
        value: digest.toUpperCase(),
        mistake: 'The program wrote the body’s digest in upper case. Write it in lower case.',
      },
      {
        value: window.toBase64(bytes),
        mistake: 'The program wrote the body’s digest in base64. Write it in lower-case hex.',
      },
      {
        value: `sha256=${digest}`,
        mistake: 'The program put sha256= before the body’s digest. It stands there alone.',
      },
      { value: text, mistake: 'The program signed the body itself. Sign the hex of its SHA-256.' },
      {
        value: '',
        mistake: 'The program left the body’s digest out. Even without a body it is the SHA-256 of nothing.',
      },
    ];
    for (const variant of window.bodyVariants(text)) {
      found.push({ value: hex(await sha256(variant.bytes)), mistake: variant.mistake, bytes: variant.bytes });
    }
    return found.filter(({ value }) => value !== digest);
  }

  /** The body in the other ways that programs write it, each with the mistake of having hashed it so. */
  window.bodyVariants = (text) => {
    const sentence = (what) =>
      `The program hashed other bytes than it sent: ${what}. Make the body once, hash it, send that.`;
    const found = new Map([
      [`${text}\n`, 'with a line end at the end'],
      [text.replace(/\s+$/, ''), 'without the white space at the end'],
      [text.replaceAll('\n', '\r\n'), 'with \\r\\n for each line end'],
      [text.replaceAll('\r\n', '\n'), 'with \\n for each line end'],
      [`\ufeff${text}`, 'with a byte order mark'],
      ['', 'no body at all'],
    ]);
    const others = text.length <= MOST_CHARACTERS ? rewritten(text) : [];
    // Two ways may write the same; the first, plainer one says it.
    for (const [again, what] of others) if (!found.has(again)) found.set(again, what);
    found.delete(text);
    return [...found].map(([again, what]) => ({ bytes: utf8(again), mistake: sentence(what) }));
  };

  function rewritten(text) {
    let value;
    try {
      value = JSON.parse(text);
    } catch {
      return [];
    }
    const compact = JSON.stringify(value);
    const sorted = JSON.stringify(sortKeys(value));
    const spaced = (json) =>
      json.replaceAll(/"(?:[^"\\]|\\.)*"|[,:]/g, (token) => (token.length === 1 ? `${token} ` : token));
    const ascii = (json) =>
      json.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    return [
      [compact, 'the JSON without spaces, as JavaScript writes it'],
      [spaced(compact), 'the JSON with a space after each comma and colon, as Python writes it'],
      [ascii(compact), 'the JSON without spaces and with \\u escapes'],
      [ascii(spaced(compact)), 'the JSON with spaces and \\u escapes, as Python writes it'],
      [compact.replaceAll('/', '\\/'), 'the JSON with escaped slashes, as PHP writes it'],
      [JSON.stringify(value, null, 2), 'the JSON in lines, indented by 2'],
      [JSON.stringify(value, null, 4), 'the JSON in lines, indented by 4'],
      [sorted, 'the JSON with its keys sorted'],
      [spaced(sorted), 'the JSON with its keys sorted and with spaces'],
    ];
  }

  function sortKeys(value) {
    if (Array.isArray(value)) return value.map(sortKeys);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.keys(value)
        .toSorted()
        .map((key) => [key, sortKeys(value[key])]),
    );
  }

  /** The canonical lots of scheme 2, or null where the body holds none. Floats may differ from what Python prints. */
  window.canonicalLots = (text) => {
    try {
      const { lots } = JSON.parse(text);
      if (!Array.isArray(lots)) return null;
      return JSON.stringify(sortKeys(lots)).replaceAll(
        /[\u007f-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    } catch {
      return null;
    }
  };

  window.toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

  /** The bytes of base64 or base64url, or null. */
  window.fromBase64 = (text) => {
    if (text === '' || !/^[\w+/-]+={0,2}$/.test(text)) return null;
    try {
      return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
        character.charCodeAt(0),
      );
    } catch {
      return null;
    }
  };

  function decode(text) {
    try {
      return decodeURI(text);
    } catch {
      return text;
    }
  }
})();
