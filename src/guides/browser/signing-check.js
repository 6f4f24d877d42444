/**
 * Finds out why the signature of a request is refused. Defines `window.checkSigning`, which touches neither page nor network.
 * The rules are those of docs/signing.md.
 */
(() => {
  'use strict';

  const { sha256, utf8, hex } = window.digests;
  const WINDOW_SECONDS = 300;
  const SEEN_CHARACTERS = 200;

  /**
   * @param {{method: string, address: string, headers: string, body: Uint8Array, secret: string, answer: string, origin: string, now: number}} typed
   *   `origin` is where the service may be: programs sign it by mistake
   * @returns {Promise<{parts: object[], toSign: string, expected: string, mistakes: string[], fits: boolean}>}
   */
  window.checkSigning = async (typed) => {
    const headers = readHeaders(typed.headers);
    const seen = readSeen(typed.answer);
    const request = await requestOf(typed, headers, seen);
    const check = { parts: [], mistakes: [], wrong: new Map() };
    const note = (part, mistake) => {
      if (!check.mistakes.includes(mistake)) check.mistakes.push(mistake);
      if (!check.wrong.has(part)) check.wrong.set(part, mistake);
    };
    judgeHeaders(headers, note);
    judgeClock(headers, seen, typed.now, note);
    await judgeSeen(request, seen, note);
    judgeSecret(typed.secret, note);
    const lines = ['v1', headers.timestamp ?? '', request.method, request.target, request.digest];
    const expected = `v1=${await window.macHex(utf8(typed.secret), lines.join('\n'))}`;
    const matches = headers.signature === expected;
    const proven = matches || (await window.searchMistake({ ...request, ...typed, lines, headers, expected }, note));
    if (!proven && headers.signature !== undefined && check.mistakes.length === 0) {
      note(
        'secret',
        'Neither this request nor one of the usual mistakes gives this signature. Most likely the secret is another one than the program’s, or a part above is not what the program had.',
      );
    }
    return {
      parts: partsOf({ headers, request, seen, expected, matches, proven, typed, wrong: check.wrong }),
      toSign: lines.join('\n'),
      expected,
      mistakes: check.mistakes,
      fits: matches && check.mistakes.length === 0,
    };
  };

  /** The three headers; a name in any case, with what curl -v and -H put around a line. */
  function readHeaders(text) {
    const found = { doubled: [] };
    const names = { 'x-signature': 'signature', 'x-timestamp': 'timestamp', 'x-key-id': 'keyId', host: 'host' };
    for (const line of text.split('\n')) {
      const [, name, value] = /^\s*(?:>|-H|--header)?\s*['"]?([\w-]+)\s*:\s*(.*?)\s*['"]?[,\\]?\s*$/.exec(line) ?? [];
      const key = names[name?.toLowerCase()];
      if (key === undefined) continue;
      if (found[key] !== undefined) found.doubled.push(name);
      found[key] ??= value;
    }
    return found;
  }

  /** details.seen of an answer, however much of the answer was pasted; null without one. */
  function readSeen(text) {
    try {
      const answer = JSON.parse(text);
      const seen = answer.details?.seen ?? answer.seen ?? answer;
      return typeof seen.target === 'string' && typeof seen.method === 'string' ? seen : null;
    } catch {
      return null;
    }
  }

  /** The request as the service checks it: as it received it, where that is known. */
  async function requestOf({ method, address, body, origin: own }, headers, seen) {
    const [, origin, rest] = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^#]*)/i.exec(address.trim());
    const typedTarget = rest.startsWith('/') ? rest : `/${rest}`;
    const typedMethod = method.trim();
    const typedDigest = hex(await sha256(body));
    const cut = seen !== null && seen.target.length >= SEEN_CHARACTERS;
    return {
      method: seen?.method ?? typedMethod.toUpperCase(),
      target:
        seen === null || (cut && typedTarget.startsWith(seen.target.replace(/…$/, ''))) ? typedTarget : seen.target,
      digest: seen?.body_sha256 ?? typedDigest,
      body,
      typedMethod,
      typedTarget,
      typedDigest,
      origins: [
        ...new Set([origin, own, headers.host && `https://${headers.host}`, headers.host && `http://${headers.host}`]),
      ].filter(Boolean),
    };
  }

  function judgeHeaders({ signature, timestamp, doubled }, note) {
    for (const name of doubled) note('signature', `The header ${name} was sent twice. Send it once.`);
    if (signature === undefined) return note('signature', 'There is no X-Signature among the headers.');
    if (signature.startsWith('v1=')) {
      const value = signature.slice(3);
      if (/^[0-9a-f]{64}$/.test(value)) return undefined;
      if (/^[0-9a-f]{64}$/i.test(value))
        return note('signature', 'The signature is in upper case. Write the hex in lower case.');
      if (window.fromBase64(value)?.length === 32)
        return note('signature', 'The signature is in base64. Write it in lower-case hex.');
      return note(
        'signature',
        `The signature has ${value.length} characters behind v1=; it must have 64, in lower-case hex.`,
      );
    }
    if (timestamp !== undefined) {
      if (signature.startsWith('sha256='))
        return note(
          'signature',
          'The signature starts with sha256=, as in scheme 2. A signed request starts with v1=.',
        );
      return note('signature', 'The signature lacks v1= at its beginning.');
    }
    return undefined;
  }

  function judgeClock({ timestamp, signature }, seen, now, note) {
    // Scheme 2 has no time.
    if (timestamp === undefined && signature !== undefined && !signature.startsWith('v1=')) return undefined;
    if (timestamp === undefined) return note('timestamp', 'There is no X-Timestamp among the headers.');
    if (/^\d{13}$/.test(timestamp))
      return note('timestamp', 'X-Timestamp is in milliseconds. Send seconds: ten digits.');
    if (!/^\d{10}$/.test(timestamp))
      return note('timestamp', 'X-Timestamp must be ten digits: whole seconds since 1970.');
    const clock = seen === null ? now : Date.parse(seen.server_time);
    const apart = Math.floor(clock / 1000) - Number(timestamp);
    if (Math.abs(apart) <= WINDOW_SECONDS) return undefined;
    const whose =
      seen === null ? 'this machine’s clock (paste the answer to compare with the service’s)' : 'the service’s clock';
    return note(
      'timestamp',
      `X-Timestamp is ${Math.abs(apart)} seconds ${apart > 0 ? 'behind' : 'ahead of'} ${whose}; 300 are allowed. Set the clock, and sign each request anew.`,
    );
  }

  async function judgeSeen({ target, method, typedTarget, typedMethod, typedDigest, body }, seen, note) {
    if (seen === null) return;
    if (seen.method !== typedMethod.toUpperCase())
      note('method', `The service received ${method}, not ${typedMethod.toUpperCase()}. Sign the method that arrives.`);
    if (target !== typedTarget)
      note(
        'target',
        'The service received another path than the one typed here: a proxy or a library rewrote it. Sign the path as it arrives.',
      );
    if (typeof seen.body_sha256 === 'string' && seen.body_sha256 !== typedDigest) {
      let mistake = 'Other bytes arrived than those typed here. Make the body once, hash it, send that.';
      for (const variant of window.bodyVariants(new TextDecoder().decode(body))) {
        if (hex(await sha256(variant.bytes)) !== seen.body_sha256) continue;
        mistake = variant.mistake.replace(
          'The program hashed other bytes than it sent',
          'The service received the body typed here',
        );
      }
      note('digest', mistake);
    }
  }

  function judgeSecret(secret, note) {
    if (secret === '') return note('secret', 'Type the secret: without it nothing can be compared.');
    if (secret.trim() !== secret)
      return note(
        'secret',
        'The secret has white space at an end. A secret is used with every character it has; this one probably should not have it.',
      );
    if (utf8(secret).length < 32)
      return note(
        'secret',
        'The secret has less than 32 bytes. The service takes no such secret, so a part of it is missing.',
      );
    return undefined;
  }

  function partsOf({ headers, request, seen, expected, matches, proven, typed, wrong }) {
    const clock = seen === null ? timeOf(typed.now) : seen.server_time;
    const at = /^\d{10}$/.test(headers.timestamp ?? '') ? timeOf(Number(headers.timestamp) * 1000) : '–';
    const hasSeenBody = typeof seen?.body_sha256 === 'string';
    const rows = [
      ['timestamp', 'X-Timestamp', headers.timestamp ?? 'missing', `${at}; clock ${clock}`],
      ['method', 'Method', request.method, seen === null ? 'as typed' : 'as the service received it'],
      ['target', 'Path with query', request.target, seen === null ? 'as typed' : 'as the service received it'],
      [
        'digest',
        'SHA-256 of the body',
        request.digest,
        hasSeenBody ? 'of what the service received' : `of the ${typed.body.length} bytes typed`,
      ],
      ['secret', 'Secret', `${utf8(typed.secret).length} bytes`, 'not shown'],
      ['signature', 'X-Signature', headers.signature ?? 'missing', matches ? 'as it must be' : `must be ${expected}`],
    ];
    // Until it is known how the signature was made, nothing proves the secret; and a signature of something else just differs.
    const others = { secret: proven ? 'right' : 'unknown', signature: matches ? 'right' : 'follows' };
    return rows.map(([part, name, value, beside]) => ({
      part,
      name,
      value,
      beside,
      state: wrong.has(part) ? 'wrong' : (others[part] ?? 'right'),
      mistake: wrong.get(part) ?? '',
    }));
  }

  function timeOf(milliseconds) {
    return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
  }
})();
