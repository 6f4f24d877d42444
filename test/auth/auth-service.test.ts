import { describe, expect, it } from 'vitest';
import type { BodyFacts, RequestFacts } from '../../src/auth/auth.service.js';
import { KeyRing, secretFingerprint } from '../../src/auth/key-ring.js';
import { hmacHex, signJobId, signLots } from '../../src/auth/signatures.js';
import type { ServiceError } from '../../src/common/service-error.js';
import {
  authConfig,
  authService,
  codeOf,
  NOW,
  SECRETS,
  sha256Hex,
  signedHeaders,
  STATUS_REQUEST,
  UPLOAD_REQUEST,
} from './auth-support.js';

const EMPTY: BodyFacts = { bodySha256Hex: sha256Hex('') };
const LOTS = '[{"lot_id":"лот-1","a":1.0}]';
const LIST = { method: 'GET', target: '/api/v1/batch-jobs?limit=10', legacy: 'list' } as const;
const PING = { method: 'POST', target: '/api/v1/webhooks/ping', legacy: 'none' } as const;

/** Both steps with an empty body. */
function enter(facts: RequestFacts, environment: Record<string, string> = {}) {
  const auth = authService(environment);
  return auth.authenticate(auth.precheck(facts), EMPTY);
}

function upload(
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

describe('scheme 1', () => {
  it('tells who signed, with and without a key id, with any live secret', () => {
    for (const [keyId, secret] of [
      ['acme', SECRETS.acme],
      ['beta', SECRETS.betaNew],
      ['beta', SECRETS.betaOld],
    ] as const) {
      const headers = signedHeaders(STATUS_REQUEST, '', secret);
      const caller = {
        scheme: 1,
        keyId,
        secretFingerprint: secretFingerprint(secret),
        signature: headers[3]?.slice(3),
      };
      expect(enter({ ...STATUS_REQUEST, rawHeaders: headers })).toEqual(caller);
      expect(enter({ ...STATUS_REQUEST, rawHeaders: [...headers, 'X-Key-Id', keyId] })).toEqual(caller);
    }
  });

  it('opens every route, and the upload by the hash of its body', () => {
    for (const facts of [LIST, PING])
      expect(enter({ ...facts, rawHeaders: signedHeaders(facts) })).toMatchObject({ scheme: 1 });
    expect(upload(signedHeaders(UPLOAD_REQUEST, 'the body'), {})).toMatchObject({ scheme: 1, keyId: 'acme' });
    expect(codeOf(() => upload(signedHeaders(UPLOAD_REQUEST, 'the Body'), {}))).toBe('INVALID_SIGNATURE');
  });

  it.each([
    ['another method', { ...STATUS_REQUEST, method: 'POST' }],
    ['another path', { ...STATUS_REQUEST, target: `${STATUS_REQUEST.target}/` }],
    ['another query', { ...STATUS_REQUEST, target: `${STATUS_REQUEST.target}?a=1` }],
  ])('refuses the signature of %s', (_name, facts) => {
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders: signedHeaders(facts) }))).toBe('INVALID_SIGNATURE');
  });

  it('refuses the secret of another key id', () => {
    const rawHeaders = [...signedHeaders(STATUS_REQUEST), 'X-Key-Id', 'beta'];
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders }))).toBe('INVALID_SIGNATURE');
  });

  const [, timestamp, , signature] = signedHeaders(STATUS_REQUEST) as [string, string, string, string];
  it.each([
    ['no header at all', [], 'MISSING_SIGNATURE'],
    ['an empty signature', ['X-Signature', '', 'X-Timestamp', timestamp], 'MISSING_SIGNATURE'],
    ['no timestamp', ['X-Signature', signature], 'MISSING_SIGNATURE'],
    ['a timestamp that is no number', ['X-Signature', signature, 'X-Timestamp', 'soon'], 'MISSING_SIGNATURE'],
    ['a timestamp in milliseconds', ['X-Signature', signature, 'X-Timestamp', `${timestamp}000`], 'MISSING_SIGNATURE'],
    ['an old timestamp', signedHeaders(STATUS_REQUEST, '', SECRETS.acme, NOW - 301), 'INVALID_SIGNATURE'],
    ['a timestamp of the future', signedHeaders(STATUS_REQUEST, '', SECRETS.acme, NOW + 301), 'INVALID_SIGNATURE'],
    ['another timestamp', ['X-Signature', signature, 'X-Timestamp', String(NOW + 1)], 'INVALID_SIGNATURE'],
    [
      'upper case',
      ['X-Signature', `v1=${signature.slice(3).toUpperCase()}`, 'X-Timestamp', timestamp],
      'INVALID_SIGNATURE',
    ],
    ['V1=', ['X-Signature', signature.replace('v1', 'V1'), 'X-Timestamp', timestamp], 'INVALID_SIGNATURE'],
    ['a truncated signature', ['X-Signature', signature.slice(0, -1), 'X-Timestamp', timestamp], 'INVALID_SIGNATURE'],
    ['v1= alone', ['X-Signature', 'v1=', 'X-Timestamp', timestamp], 'INVALID_SIGNATURE'],
    [
      'two signatures in one header',
      ['X-Signature', `${signature}, ${signature}`, 'X-Timestamp', timestamp],
      'INVALID_SIGNATURE',
    ],
    [
      'a doubled signature',
      ['X-Signature', signature, 'X-Signature', signature, 'X-Timestamp', timestamp],
      'INVALID_SIGNATURE',
    ],
    [
      'a doubled timestamp',
      ['X-Signature', signature, 'X-Timestamp', timestamp, 'x-timestamp', timestamp],
      'INVALID_SIGNATURE',
    ],
    [
      'a doubled key id',
      ['X-Signature', signature, 'X-Timestamp', timestamp, 'X-Key-Id', 'acme', 'X-Key-Id', 'acme'],
      'INVALID_SIGNATURE',
    ],
    [
      'an unknown key id',
      ['X-Signature', signature, 'X-Timestamp', timestamp, 'X-Key-Id', 'nobody'],
      'INVALID_SIGNATURE',
    ],
    ['an empty key id', ['X-Signature', signature, 'X-Timestamp', timestamp, 'X-Key-Id', ''], 'INVALID_SIGNATURE'],
    [
      'the key id __proto__',
      ['X-Signature', signature, 'X-Timestamp', timestamp, 'X-Key-Id', '__proto__'],
      'INVALID_SIGNATURE',
    ],
  ])('%s', (_name, rawHeaders, code) => {
    expect(
      codeOf(
        () => authService().precheck({ ...STATUS_REQUEST, rawHeaders }) && enter({ ...STATUS_REQUEST, rawHeaders }),
      ),
    ).toBe(code);
  });

  it('judges age and form before the body is read', () => {
    const old = signedHeaders(UPLOAD_REQUEST, '', SECRETS.acme, NOW - 301);
    expect(codeOf(() => authService().precheck({ ...UPLOAD_REQUEST, rawHeaders: old }))).toBe('INVALID_SIGNATURE');
    expect(codeOf(() => authService().precheck({ ...UPLOAD_REQUEST, rawHeaders: ['X-Signature', signature] }))).toBe(
      'MISSING_SIGNATURE',
    );
  });

  it.each([
    ['http://service.test', STATUS_REQUEST.target],
    ['HTTPS://user@service.test:8443', STATUS_REQUEST.target],
    ['http://service.test', '/api/v1/batch-status/x?to=http://other.test/y#z'],
    ['http://[::1]:3000', '/'],
  ])('takes the absolute form %s%s signed by its path or as a whole', (origin, path) => {
    for (const target of [path, origin + path]) {
      const rawHeaders = signedHeaders({ method: 'GET', target });
      expect(enter({ ...STATUS_REQUEST, target: origin + path, rawHeaders })).toMatchObject({ scheme: 1 });
    }
    const rawHeaders = signedHeaders({ method: 'GET', target: `${origin}${path}0` });
    expect(codeOf(() => enter({ ...STATUS_REQUEST, target: origin + path, rawHeaders }))).toBe('INVALID_SIGNATURE');
  });

  it('knows the path of an absolute form that has none, or a query alone', () => {
    for (const [absolute, target] of [
      ['http://h', '/'],
      ['http://h?a=1', '/?a=1'],
    ] as const) {
      const rawHeaders = signedHeaders({ method: 'GET', target });
      expect(enter({ ...STATUS_REQUEST, target: absolute, rawHeaders })).toMatchObject({ scheme: 1 });
    }
  });

  it('takes no path for an absolute form because an address stands in it', () => {
    const target = '/api/v1/batch-jobs?next=http://h/api/v1/batch-jobs';
    const rawHeaders = signedHeaders({ method: 'GET', target: '/api/v1/batch-jobs' });
    expect(codeOf(() => enter({ ...LIST, target, rawHeaders }))).toBe('INVALID_SIGNATURE');
  });

  it('takes HEAD signed as GET, which proxies make of it, and no GET signed as HEAD', () => {
    const head = { ...STATUS_REQUEST, method: 'HEAD' };
    expect(enter({ ...head, rawHeaders: signedHeaders(STATUS_REQUEST) })).toMatchObject({ scheme: 1 });
    expect(enter({ ...head, rawHeaders: signedHeaders(head) })).toMatchObject({ scheme: 1 });
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders: signedHeaders(head) }))).toBe('INVALID_SIGNATURE');
  });

  it('does not fall back to scheme 2', () => {
    const rawHeaders = ['X-Signature', `v1=${signJobId(SECRETS.acme, STATUS_REQUEST.jobId)}`, 'X-Timestamp', timestamp];
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders }))).toBe('INVALID_SIGNATURE');
    const headers = ['X-Signature', `v1=${'0'.repeat(64)}`, 'X-Timestamp', timestamp];
    expect(codeOf(() => upload(headers, { bodySignature: signLots(SECRETS.acme, LOTS) }))).toBe('INVALID_SIGNATURE');
  });

  it('says the same of every wrong signature', () => {
    const messages = [
      signedHeaders(STATUS_REQUEST, '', SECRETS.acme, NOW - 301),
      [...signedHeaders(STATUS_REQUEST), 'X-Key-Id', 'nobody'],
      signedHeaders(PING),
    ].map((rawHeaders) => {
      try {
        return enter({ ...STATUS_REQUEST, rawHeaders });
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(new Set(messages).size).toBe(1);
  });
});

describe('scheme 2', () => {
  it.each(['', 'sha256='])('takes the lots signature as %s<hex>, in the header or in the body', (prefix) => {
    const signature = signLots(SECRETS.betaOld, LOTS);
    const caller = { scheme: 2, keyId: 'beta', secretFingerprint: secretFingerprint(SECRETS.betaOld), signature };
    expect(upload(['X-Signature', prefix + signature], {})).toEqual(caller);
    expect(upload([], { bodySignature: prefix + signature })).toEqual(caller);
    expect(upload(['X-Key-Id', 'beta'], { bodySignature: prefix + signature })).toEqual(caller);
    expect(codeOf(() => upload(['X-Key-Id', 'acme'], { bodySignature: prefix + signature }))).toBe('INVALID_SIGNATURE');
  });

  it('refuses one changed character', () => {
    const bodySignature = signLots(SECRETS.acme, LOTS);
    expect(codeOf(() => upload([], { bodySignature, lots: LOTS.replace('1.0', '1') }))).toBe('INVALID_SIGNATURE');
  });

  it.each([
    [undefined, 'MISSING_SIGNATURE'],
    [null, 'MISSING_SIGNATURE'],
    ['', 'MISSING_SIGNATURE'],
    [7, 'INVALID_SIGNATURE'],
    [{}, 'INVALID_SIGNATURE'],
    ['nonsense', 'INVALID_SIGNATURE'],
    [`v1=${signLots(SECRETS.acme, LOTS)}`, 'INVALID_SIGNATURE'],
    [signLots(SECRETS.acme, LOTS).toUpperCase(), 'INVALID_SIGNATURE'],
  ])('the body signature %j: %s', (bodySignature, code) => {
    expect(codeOf(() => upload([], { bodySignature }))).toBe(code);
    expect(codeOf(() => upload(['X-Key-Id', 'nobody'], { bodySignature }))).toBe(code);
  });

  it('lets the header decide when both are there', () => {
    const good = signLots(SECRETS.acme, LOTS);
    expect(upload(['X-Signature', good], { bodySignature: 'f'.repeat(64) })).toMatchObject({ scheme: 2 });
    expect(codeOf(() => upload(['X-Signature', 'f'.repeat(64)], { bodySignature: good }))).toBe('INVALID_SIGNATURE');
  });

  it('opens status by the job id and the list by its path with query', () => {
    const job = signJobId(SECRETS.acme, STATUS_REQUEST.jobId);
    expect(enter({ ...STATUS_REQUEST, rawHeaders: ['X-Signature', `sha256=${job}`] })).toMatchObject({
      scheme: 2,
      keyId: 'acme',
    });
    const list = hmacHex(SECRETS.acme, LIST.target);
    expect(enter({ ...LIST, rawHeaders: ['X-Signature', list] })).toMatchObject({ scheme: 2, keyId: 'acme' });
    expect(codeOf(() => enter({ ...LIST, target: `${LIST.target}0`, rawHeaders: ['X-Signature', list] }))).toBe(
      'INVALID_SIGNATURE',
    );
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders: ['X-Signature', list] }))).toBe('INVALID_SIGNATURE');
  });

  it.each([
    ['a webhook’s body', '{"event":"ping","lots":[]}'],
    ['nothing', ''],
    ['an id without hyphens', STATUS_REQUEST.jobId.replaceAll('-', '')],
    ['an id in braces', `{${STATUS_REQUEST.jobId}}`],
    ['an id with a line end', `${STATUS_REQUEST.jobId}\n`],
    ['another path', '../batch-jobs'],
  ])('takes no signature over %s for that over a job id', (_name, jobId) => {
    for (const unsignedRead of jobId === '' ? [false] : [false, true]) {
      const rawHeaders = ['X-Signature', hmacHex(SECRETS.acme, jobId)];
      expect(codeOf(() => enter({ ...STATUS_REQUEST, jobId, unsignedRead, rawHeaders }))).toBe('INVALID_SIGNATURE');
    }
  });

  it('takes a job id in capital letters, signed as it is sent', () => {
    const jobId = STATUS_REQUEST.jobId.toUpperCase();
    const rawHeaders = ['X-Signature', signJobId(SECRETS.acme, jobId)];
    expect(enter({ ...STATUS_REQUEST, jobId, rawHeaders })).toMatchObject({ scheme: 2 });
  });

  it('takes no lots without photos for a request: receivers of webhooks hold their signature', () => {
    const bodySignature = signLots(SECRETS.acme, LOTS);
    expect(codeOf(() => upload([], { bodySignature, namesPhotos: false }))).toBe('INVALID_SIGNATURE');
    const header = ['X-Signature', bodySignature];
    expect(codeOf(() => upload(header, { namesPhotos: false }))).toBe('INVALID_SIGNATURE');
    // What is missing is said first, and scheme 1 signs the whole body.
    expect(codeOf(() => upload([], { namesPhotos: false }))).toBe('MISSING_SIGNATURE');
    const signed = signedHeaders(UPLOAD_REQUEST, 'the body');
    expect(upload(signed, { namesPhotos: false })).toMatchObject({ scheme: 1 });
  });

  it('signs the list in absolute form by its path or as a whole', () => {
    for (const target of [LIST.target, `http://h${LIST.target}`]) {
      const rawHeaders = ['X-Signature', hmacHex(SECRETS.acme, target)];
      expect(enter({ ...LIST, target: `http://h${LIST.target}`, rawHeaders })).toMatchObject({ scheme: 2 });
    }
  });

  it('opens no other route', () => {
    const rawHeaders = ['X-Signature', hmacHex(SECRETS.acme, PING.target)];
    expect(codeOf(() => authService().precheck({ ...PING, rawHeaders }))).toBe('INVALID_SIGNATURE');
  });

  it.each([
    ['false', { acme: 'INVALID_SIGNATURE', betaNew: 'INVALID_SIGNATURE' }],
    ['beta', { acme: 'INVALID_SIGNATURE', betaNew: 'accepted' }],
    ['acme,beta', { acme: 'accepted', betaNew: 'accepted' }],
  ] as const)('AUTH_LOTS_SIGNATURE=%s', (setting, outcomes) => {
    const environment = { AUTH_LOTS_SIGNATURE: setting };
    for (const name of ['acme', 'betaNew'] as const) {
      const lots = signLots(SECRETS[name], LOTS);
      expect(codeOf(() => upload([], { bodySignature: lots, environment }))).toBe(outcomes[name]);
      expect(codeOf(() => upload(['X-Signature', lots], { environment }))).toBe(outcomes[name]);
      const rawHeaders = ['X-Signature', signJobId(SECRETS[name], STATUS_REQUEST.jobId)];
      expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders }, environment))).toBe(outcomes[name]);
      expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders: signedHeaders(STATUS_REQUEST) }, environment))).toBe(
        'accepted',
      );
    }
    expect(codeOf(() => upload([], { environment }))).toBe('MISSING_SIGNATURE');
  });
});

describe('what a refusal tells of the request', () => {
  const BODY_HASH = sha256Hex('the body');
  const TIME = '2026-01-01T00:00:00Z';

  function seenBy(work: () => unknown): unknown {
    try {
      work();
    } catch (error) {
      return ((error as ServiceError).details as { seen: unknown }).seen;
    }
    throw new Error('the request was accepted');
  }

  it.each([
    ['no signature', []],
    ['no timestamp', ['X-Signature', `v1=${'0'.repeat(64)}`]],
    ['an old timestamp', signedHeaders(STATUS_REQUEST, '', SECRETS.acme, NOW - 301)],
    ['a malformed value', ['X-Signature', 'v1=0', 'X-Timestamp', String(NOW)]],
    ['a malformed value of scheme 2', ['X-Signature', 'none']],
    ['a doubled header', ['X-Signature', 'a', 'X-Signature', 'a']],
  ])('%s: method, target and time, before the body is read', (_name, rawHeaders) => {
    const seen = { method: 'GET', target: STATUS_REQUEST.target, body_sha256: null, server_time: TIME };
    expect(seenBy(() => authService().precheck({ ...STATUS_REQUEST, rawHeaders }))).toEqual(seen);
  });

  const wrong = '0'.repeat(64);
  it.each([
    ['a wrong value', ['X-Signature', `v1=${wrong}`, 'X-Timestamp', String(NOW)]],
    ['the wrong key id', ['X-Signature', `v1=${wrong}`, 'X-Timestamp', String(NOW), 'X-Key-Id', 'acme']],
    ['an unknown key id', ['X-Signature', `v1=${wrong}`, 'X-Timestamp', String(NOW), 'X-Key-Id', 'nobody']],
    ['a wrong lots signature', ['X-Signature', wrong]],
    ['a wrong lots signature of a key id', ['X-Signature', wrong, 'X-Key-Id', 'beta']],
    ['one of a key id that may not sign so', ['X-Signature', wrong, 'X-Key-Id', 'acme']],
    ['one of an unknown key id', ['X-Signature', wrong, 'X-Key-Id', 'nobody']],
    ['none at all', []],
    ['none at all, of an unknown key id', ['X-Key-Id', 'nobody']],
  ])('%s: the hash of the body too, and the same whoever is a client', (_name, rawHeaders) => {
    const seen = { method: 'POST', target: UPLOAD_REQUEST.target, body_sha256: BODY_HASH, server_time: TIME };
    expect(seenBy(() => upload(rawHeaders, { environment: { AUTH_LOTS_SIGNATURE: 'beta' } }))).toEqual(seen);
  });

  it('feeds lots to an HMAC for whoever claims to sign them, so that time tells of no key id', () => {
    for (const keyId of ['acme', 'beta', 'nobody']) {
      const auth = authService({ AUTH_LOTS_SIGNATURE: 'beta' });
      const pending = auth.precheck({ ...UPLOAD_REQUEST, rawHeaders: ['X-Signature', wrong, 'X-Key-Id', keyId] });
      const digests = auth.lotsHmac(pending)?.digests() ?? [];
      expect(digests.length).toBeGreaterThan(0);
    }
  });

  it('names the path of an absolute form, and cuts what is long', () => {
    const precheck = (target: string) => authService().precheck({ ...STATUS_REQUEST, target, rawHeaders: [] });
    expect(seenBy(() => precheck('http://h/a?b=1'))).toMatchObject({ target: '/a?b=1' });
    expect(seenBy(() => precheck(`/${'a'.repeat(5000)}`))).toMatchObject({ target: `/${'a'.repeat(199)}` });
  });
});

describe('unsigned reads', () => {
  const facts = { ...STATUS_REQUEST, unsignedRead: true };

  it.each([
    ['without signature', []],
    ['with that of the empty string', ['X-Signature', hmacHex(SECRETS.betaOld, '')]],
    ['with sha256= and that of the empty string', ['X-Signature', `sha256=${hmacHex(SECRETS.acme, '')}`]],
  ])('lets in %s where allowed, as nobody', (_name, rawHeaders) => {
    expect(enter({ ...facts, rawHeaders })).toEqual({ scheme: 'unsigned' });
    expect(enter({ ...facts, rawHeaders }, { AUTH_LOTS_SIGNATURE: 'false' })).toEqual({ scheme: 'unsigned' });
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders }))).not.toBe('accepted');
  });

  it('still knows who signed, and still refuses what is wrong', () => {
    const rawHeaders = ['X-Signature', signJobId(SECRETS.acme, STATUS_REQUEST.jobId)];
    expect(enter({ ...facts, rawHeaders })).toMatchObject({ scheme: 2, keyId: 'acme' });
    expect(codeOf(() => enter({ ...facts, rawHeaders: ['X-Signature', hmacHex('stranger', '')] }))).toBe(
      'INVALID_SIGNATURE',
    );
    const nobody = ['X-Signature', hmacHex(SECRETS.acme, ''), 'X-Key-Id', 'nobody'];
    expect(codeOf(() => enter({ ...facts, rawHeaders: nobody }))).toBe('INVALID_SIGNATURE');
    expect(codeOf(() => enter({ ...facts, rawHeaders: ['X-Signature', `v1=${hmacHex(SECRETS.acme, '')}`] }))).toBe(
      'MISSING_SIGNATURE',
    );
  });
});

describe('the secret that signs for a job', () => {
  const keys = new KeyRing(authConfig());

  it('is the one that signed its request while it is live, else the newest', () => {
    expect(keys.signingSecret('beta', secretFingerprint(SECRETS.betaOld))?.secret).toBe(SECRETS.betaOld);
    expect(keys.signingSecret('beta', secretFingerprint('gone'))?.secret).toBe(SECRETS.betaNew);
    expect(keys.signingSecret('beta', null)?.secret).toBe(SECRETS.betaNew);
    expect(keys.signingSecret('nobody', null)).toBeUndefined();
  });
});
