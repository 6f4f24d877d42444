/**
 * Finds the mistake by which a program came to the signature that it sent. Defines `window.searchMistake` and `window.macHex`,
 * which touch neither page nor network.
 */
(() => {
  'use strict';

  const { hmacSha256, utf8, hex } = window.digests;
  /** Paths that scheme 2 opens, with what it signs there. */
  const JOB_PATH = /^\/api\/v1\/(?:batch-(?:status|results)|batch-jobs)\/([^/?]+)(?:\/download|\/cancel)?(?:\?|$)/;

  /**
   * Tries the usual mistakes, alone and by twos, until one gives the signature that was sent.
   * @returns {Promise<boolean>} whether it is known now how the signature was made, with this secret or one like it
   */
  window.searchMistake = async (request, note) => {
    const sent = macOf(request.headers.signature);
    if (sent === null || request.secret === '') return false;
    // A signature that is right but for how it is written.
    if (sent === request.expected.slice(3)) return true;
    if (await searchOtherSchemes(request, sent, note)) return true;
    const right = {
      secret: utf8(request.secret),
      method: request.method,
      target: request.target,
      digest: request.digest,
      timestamp: request.headers.timestamp ?? '',
      frame: (lines) => lines.join('\n'),
    };
    const mistakes = await window.signingMistakes({ ...request, timestamp: right.timestamp });
    const all = Object.entries(mistakes).flatMap(([part, list]) => list.map((mistake) => ({ part, ...mistake })));
    const tries = [
      ...all.map((one) => [one]),
      ...all.flatMap((one, index) =>
        all
          .slice(index + 1)
          .filter(({ part }) => part !== one.part)
          .map((other) => [one, other]),
      ),
    ];
    for (const made of tries) {
      const { secret, frame, timestamp, method, target, digest } = {
        ...right,
        ...Object.fromEntries(made.map(({ part, value }) => [part, value])),
      };
      if ((await window.macHex(secret, frame(['v1', timestamp, method, target, digest]))) !== sent) continue;
      for (const { part, mistake } of made) note(part === 'frame' ? 'signature' : part, mistake);
      return true;
    }
    return false;
  };

  /** Signatures of scheme 2, and those of the older service's samples. */
  async function searchOtherSchemes({ target, body, secret, headers }, sent, note) {
    const text = new TextDecoder().decode(body);
    const jobId = JOB_PATH.exec(target)?.[1];
    const others = [
      ['the lots', window.canonicalLots(text)],
      ['the job’s id', jobId ?? null],
      ['the path with its query', target],
      ['the raw body', text],
    ];
    for (const [what, message] of others) {
      if (message === null || (await window.macHex(utf8(secret), message)) !== sent) continue;
      const isScheme2 = what !== 'the raw body';
      if (headers.signature.startsWith('v1=')) {
        note(
          'signature',
          `This is a signature over ${what}${isScheme2 ? ' (scheme 2)' : ''}, with v1= before it. Behind v1= stands the signature of scheme 1, over the five lines below.`,
        );
      } else if (isScheme2) {
        note(
          'signature',
          `This is a signature of scheme 2, over ${what}. It is right only where scheme 2 is taken; otherwise sign the five lines below and send v1= before it.`,
        );
      } else {
        note(
          'signature',
          'This is a signature over the raw body, as samples of the older service made it. It is not accepted: sign the five lines below.',
        );
      }
      return true;
    }
    return false;
  }

  /** The hex of what was sent, however it is written, or null. */
  function macOf(signature = '') {
    const value = signature.replace(/^(v1|sha256)=/, '');
    if (/^[0-9a-f]{64}$/i.test(value)) return value.toLowerCase();
    const bytes = window.fromBase64(value);
    return bytes?.length === 32 ? hex(bytes) : null;
  }

  /** The hex of an HMAC-SHA256. An empty key is no key for WebCrypto. */
  window.macHex = async (secretBytes, message) =>
    secretBytes.length === 0 ? '' : hex(await hmacSha256(secretBytes, utf8(message)));
})();
