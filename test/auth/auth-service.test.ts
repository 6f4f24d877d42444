import { describe, expect, it } from 'vitest';
import { KeyRing, secretFingerprint } from '../../src/auth/key-ring.js';
import { hmacHex, signJobId } from '../../src/auth/signatures.js';
import type { ServiceError } from '../../src/common/service-error.js';
import {
  authConfig,
  enter,
  upload,
  authService,
  codeOf,
  NOW,
  SECRETS,
  signedHeaders,
  STATUS_REQUEST,
  UPLOAD_REQUEST,
} from './auth-support.js';
import { sha256Hex } from '../support/signing.js';

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
  ])('a refusal of %s shows method, target and time, before the body is read', (_name, rawHeaders) => {
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
  ])('a refusal of %s shows the hash of the body too, and the same whoever is a client', (_name, rawHeaders) => {
    const seen = { method: 'POST', target: UPLOAD_REQUEST.target, body_sha256: BODY_HASH, server_time: TIME };
    expect(seenBy(() => upload(rawHeaders, { environment: { AUTH_LOTS_SIGNATURE: 'beta' } }))).toEqual(seen);
  });

  it("an upload's lots are fed to an HMAC for whoever claims to sign them, so that time tells of no key id", () => {
    for (const keyId of ['acme', 'beta', 'nobody']) {
      const auth = authService({ AUTH_LOTS_SIGNATURE: 'beta' });
      const pending = auth.precheck({ ...UPLOAD_REQUEST, rawHeaders: ['X-Signature', wrong, 'X-Key-Id', keyId] });
      const digests = auth.lotsHmac(pending)?.digests() ?? [];
      expect(digests.length).toBeGreaterThan(0);
    }
  });

  it('a refusal names the path of an absolute form, and cuts what is long', () => {
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
  ])('LEGACY_UNSIGNED_READS lets in %s where allowed, as nobody', (_name, rawHeaders) => {
    expect(enter({ ...facts, rawHeaders })).toEqual({ scheme: 'unsigned' });
    expect(enter({ ...facts, rawHeaders }, { AUTH_LOTS_SIGNATURE: 'false' })).toEqual({ scheme: 'unsigned' });
    expect(codeOf(() => enter({ ...STATUS_REQUEST, rawHeaders }))).not.toBe('accepted');
  });

  it('LEGACY_UNSIGNED_READS still knows who signed, and still refuses what is wrong', () => {
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

  it('the secret that signs for a job is the one that signed its request while it is live, else the newest', () => {
    expect(keys.signingSecret('beta', secretFingerprint(SECRETS.betaOld))?.secret).toBe(SECRETS.betaOld);
    expect(keys.signingSecret('beta', secretFingerprint('gone'))?.secret).toBe(SECRETS.betaNew);
    expect(keys.signingSecret('beta', null)?.secret).toBe(SECRETS.betaNew);
    expect(keys.signingSecret('nobody', null)).toBeUndefined();
  });
});
