import { describe, expect, it } from 'vitest';
import { secretFingerprint } from '../../src/auth/key-ring.js';
import { hmacHex, signJobId, signLots } from '../../src/auth/signatures.js';
import {
  enter,
  LIST,
  LOTS,
  PING,
  upload,
  authService,
  codeOf,
  SECRETS,
  signedHeaders,
  STATUS_REQUEST,
  UPLOAD_REQUEST,
} from './auth-support.js';

describe('scheme 2', () => {
  it.each(['', 'sha256='])('scheme 2 takes the lots signature as %s<hex>, in the header or in the body', (prefix) => {
    const signature = signLots(SECRETS.betaOld, LOTS);
    const caller = { scheme: 2, keyId: 'beta', secretFingerprint: secretFingerprint(SECRETS.betaOld), signature };
    expect(upload(['X-Signature', prefix + signature], {})).toEqual(caller);
    expect(upload([], { bodySignature: prefix + signature })).toEqual(caller);
    expect(upload(['X-Key-Id', 'beta'], { bodySignature: prefix + signature })).toEqual(caller);
    expect(codeOf(() => upload(['X-Key-Id', 'acme'], { bodySignature: prefix + signature }))).toBe('INVALID_SIGNATURE');
  });

  it('scheme 2 refuses one changed character', () => {
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
  ])('scheme 2 answers the body signature %j with %s', (bodySignature, code) => {
    expect(codeOf(() => upload([], { bodySignature }))).toBe(code);
    expect(codeOf(() => upload(['X-Key-Id', 'nobody'], { bodySignature }))).toBe(code);
  });

  it('scheme 2 lets the header decide when both are there', () => {
    const good = signLots(SECRETS.acme, LOTS);
    expect(upload(['X-Signature', good], { bodySignature: 'f'.repeat(64) })).toMatchObject({ scheme: 2 });
    expect(codeOf(() => upload(['X-Signature', 'f'.repeat(64)], { bodySignature: good }))).toBe('INVALID_SIGNATURE');
  });

  it('scheme 2 opens status by the job id and the list by its path with query', () => {
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
  ])('scheme 2 takes no signature over %s for that over a job id', (_name, jobId) => {
    for (const unsignedRead of jobId === '' ? [false] : [false, true]) {
      const rawHeaders = ['X-Signature', hmacHex(SECRETS.acme, jobId)];
      expect(codeOf(() => enter({ ...STATUS_REQUEST, jobId, unsignedRead, rawHeaders }))).toBe('INVALID_SIGNATURE');
    }
  });

  it('scheme 2 takes a job id in capital letters, signed as it is sent', () => {
    const jobId = STATUS_REQUEST.jobId.toUpperCase();
    const rawHeaders = ['X-Signature', signJobId(SECRETS.acme, jobId)];
    expect(enter({ ...STATUS_REQUEST, jobId, rawHeaders })).toMatchObject({ scheme: 2 });
  });

  it('scheme 2 takes no lots without photos for a request: receivers of webhooks hold their signature', () => {
    const bodySignature = signLots(SECRETS.acme, LOTS);
    expect(codeOf(() => upload([], { bodySignature, namesPhotos: false }))).toBe('INVALID_SIGNATURE');
    const header = ['X-Signature', bodySignature];
    expect(codeOf(() => upload(header, { namesPhotos: false }))).toBe('INVALID_SIGNATURE');
    // A missing signature is reported first, and scheme 1 signs the whole body.
    expect(codeOf(() => upload([], { namesPhotos: false }))).toBe('MISSING_SIGNATURE');
    const signed = signedHeaders(UPLOAD_REQUEST, 'the body');
    expect(upload(signed, { namesPhotos: false })).toMatchObject({ scheme: 1 });
  });

  it('scheme 2 signs the list in absolute form by its path or as a whole', () => {
    for (const target of [LIST.target, `http://h${LIST.target}`]) {
      const rawHeaders = ['X-Signature', hmacHex(SECRETS.acme, target)];
      expect(enter({ ...LIST, target: `http://h${LIST.target}`, rawHeaders })).toMatchObject({ scheme: 2 });
    }
  });

  it('scheme 2 opens no other route', () => {
    const rawHeaders = ['X-Signature', hmacHex(SECRETS.acme, PING.target)];
    expect(codeOf(() => authService().precheck({ ...PING, rawHeaders }))).toBe('INVALID_SIGNATURE');
  });

  it.each([
    ['false', { acme: 'INVALID_SIGNATURE', betaNew: 'INVALID_SIGNATURE' }],
    ['beta', { acme: 'INVALID_SIGNATURE', betaNew: 'accepted' }],
    ['acme,beta', { acme: 'accepted', betaNew: 'accepted' }],
  ] as const)('scheme 2 is open to those whom AUTH_LOTS_SIGNATURE=%s names', (setting, outcomes) => {
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
