import { describe, expect, it } from 'vitest';
import { secretFingerprint } from '../../src/auth/key-ring.js';
import { signJobId, signLots } from '../../src/auth/signatures.js';
import {
  enter,
  LIST,
  LOTS,
  PING,
  upload,
  authService,
  codeOf,
  NOW,
  SECRETS,
  signedHeaders,
  STATUS_REQUEST,
  UPLOAD_REQUEST,
} from './auth-support.js';

describe('scheme 1', () => {
  it('scheme 1 tells who signed, with and without a key id, with any live secret', () => {
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

  it('scheme 1 opens every route, and the upload by the hash of its body', () => {
    for (const facts of [LIST, PING])
      expect(enter({ ...facts, rawHeaders: signedHeaders(facts) })).toMatchObject({ scheme: 1 });
    expect(upload(signedHeaders(UPLOAD_REQUEST, 'the body'), {})).toMatchObject({ scheme: 1, keyId: 'acme' });
    expect(codeOf(() => upload(signedHeaders(UPLOAD_REQUEST, 'the Body'), {}))).toBe('INVALID_SIGNATURE');
  });

  it.each([
    ['another method', { ...STATUS_REQUEST, method: 'POST' }],
    ['another path', { ...STATUS_REQUEST, target: `${STATUS_REQUEST.target}/` }],
    ['another query', { ...STATUS_REQUEST, target: `${STATUS_REQUEST.target}?a=1` }],
  ])('scheme 1 refuses the signature of %s', (_name, facts) => {
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders: signedHeaders(facts) }))).toBe('INVALID_SIGNATURE');
  });

  it('scheme 1 refuses the secret of another key id', () => {
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
  ])('scheme 1 refuses %s', (_name, rawHeaders, code) => {
    expect(
      codeOf(
        () => authService().precheck({ ...STATUS_REQUEST, rawHeaders }) && enter({ ...STATUS_REQUEST, rawHeaders }),
      ),
    ).toBe(code);
  });

  it('scheme 1 judges age and form before the body is read', () => {
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
  ])('scheme 1 takes the absolute form %s%s signed by its path or as a whole', (origin, path) => {
    for (const target of [path, origin + path]) {
      const rawHeaders = signedHeaders({ method: 'GET', target });
      expect(enter({ ...STATUS_REQUEST, target: origin + path, rawHeaders })).toMatchObject({ scheme: 1 });
    }
    const rawHeaders = signedHeaders({ method: 'GET', target: `${origin}${path}0` });
    expect(codeOf(() => enter({ ...STATUS_REQUEST, target: origin + path, rawHeaders }))).toBe('INVALID_SIGNATURE');
  });

  it('scheme 1 knows the path of an absolute form that has none, or a query alone', () => {
    for (const [absolute, target] of [
      ['http://h', '/'],
      ['http://h?a=1', '/?a=1'],
    ] as const) {
      const rawHeaders = signedHeaders({ method: 'GET', target });
      expect(enter({ ...STATUS_REQUEST, target: absolute, rawHeaders })).toMatchObject({ scheme: 1 });
    }
  });

  it('scheme 1 takes no path for an absolute form because an address stands in it', () => {
    const target = '/api/v1/batch-jobs?next=http://h/api/v1/batch-jobs';
    const rawHeaders = signedHeaders({ method: 'GET', target: '/api/v1/batch-jobs' });
    expect(codeOf(() => enter({ ...LIST, target, rawHeaders }))).toBe('INVALID_SIGNATURE');
  });

  it('scheme 1 takes HEAD signed as GET, which proxies make of it, and no GET signed as HEAD', () => {
    const head = { ...STATUS_REQUEST, method: 'HEAD' };
    expect(enter({ ...head, rawHeaders: signedHeaders(STATUS_REQUEST) })).toMatchObject({ scheme: 1 });
    expect(enter({ ...head, rawHeaders: signedHeaders(head) })).toMatchObject({ scheme: 1 });
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders: signedHeaders(head) }))).toBe('INVALID_SIGNATURE');
  });

  it('scheme 1 does not fall back to scheme 2', () => {
    const rawHeaders = ['X-Signature', `v1=${signJobId(SECRETS.acme, STATUS_REQUEST.jobId)}`, 'X-Timestamp', timestamp];
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders }))).toBe('INVALID_SIGNATURE');
    const headers = ['X-Signature', `v1=${'0'.repeat(64)}`, 'X-Timestamp', timestamp];
    expect(codeOf(() => upload(headers, { bodySignature: signLots(SECRETS.acme, LOTS) }))).toBe('INVALID_SIGNATURE');
  });

  it('scheme 1 says the same of every wrong signature', () => {
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
