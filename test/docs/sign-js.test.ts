import { createHash, createHmac, randomBytes, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { packagePath } from './package-path.js';

interface DocsRequest {
  url: string;
  method?: string;
  headers: Record<string, string>;
  body?: unknown;
}

const SECRET = 'dev-shared-key-0123456789abcdef012345';
const NOW = 1_767_225_600;
const source = readFileSync(packagePath('src/docs/browser/sign.js'), 'utf8');

interface SigningPage {
  signRequest(request: DocsRequest): Promise<DocsRequest>;
  maskSecret(): { wrapComponents: { Input: (input: unknown, system: unknown) => (props: object) => unknown } };
}

/** Runs the file as a page would and returns what it defines. */
function load(crypto: unknown): SigningPage {
  const window = { crypto, location: new URL('http://docs.test:3000/docs') } as Record<string, unknown>;
  // The arrays of both realms must be the same for WebCrypto, and the clock stands.
  runInNewContext(source, {
    window,
    URL,
    TextEncoder,
    Uint8Array,
    Uint32Array,
    DataView,
    Date: { now: () => NOW * 1000 },
  });
  return window as unknown as SigningPage;
}

function expected(method: string, target: string, body: string, secret = SECRET): string {
  const digest = createHash('sha256').update(body).digest('hex');
  return `v1=${createHmac('sha256', secret).update(`v1\n${NOW}\n${method}\n${target}\n${digest}`).digest('hex')}`;
}

describe.each([
  ['with WebCrypto', webcrypto],
  ['on plain http, without crypto.subtle', {}],
])('signing in the page %s', (_name, crypto) => {
  const page = load(crypto);
  const sign = (request: DocsRequest) => page.signRequest(request);

  it('the page signs the vector of an empty body', async () => {
    const vectors = JSON.parse(readFileSync(packagePath('test/vectors/signed-request-vectors.json'), 'utf8')) as {
      timestamp: number;
      key: string;
      target: string;
      signature: string;
    }[];
    const vector = vectors.find(({ timestamp }) => timestamp === NOW);
    if (vector === undefined) throw new Error('the vector is missing');
    const signed = await sign({ url: vector.target, method: 'get', headers: { 'X-Signing-Secret': vector.key } });
    expect(signed.headers).toEqual({ 'X-Timestamp': String(NOW), 'X-Signature': vector.signature });
  });

  it.each([
    ['/api/v1/batch-jobs?created_after=2026-01-01T00:00:00%2B00:00', 'GET', ''],
    ['/api/v1/batch-status/ab%20c/%C3%BC', 'GET', ''],
    ['/api/v1/generate-descriptions', 'POST', '{"lots":[{"lot_id":"лот-1 🚗"}]}'],
    ['/api/v1/generate-descriptions', 'POST', 'x'.repeat(200_000)],
  ])('the page signs %s %s as the server does', async (target, method, body) => {
    const url = `http://docs.test:3000${target}`;
    const signed = await sign({ url, method, body, headers: { 'x-signing-secret': SECRET } });
    expect(signed.headers['X-Signature']).toBe(expected(method, target, body));
  });

  it('the page hashes right at every length around the block size, and keys longer than a block', async () => {
    for (let length = 0; length <= 130; length++) {
      const secret = randomBytes(32 + length).toString('hex');
      const body = randomBytes(length).toString('latin1');
      const signed = await sign({ url: '/a', method: 'POST', body, headers: { 'X-Signing-Secret': secret } });
      expect(signed.headers['X-Signature']).toBe(expected('POST', '/a', body, secret));
    }
  });

  it('the page takes the secret out of the request however its header is spelt', async () => {
    const headers = { 'X-Signing-Secret': SECRET, 'x-signing-secret': SECRET, Accept: 'application/json' };
    const signed = await sign({ url: '/api/v1/batch-jobs', headers });
    expect(JSON.stringify(signed)).not.toContain(SECRET);
    expect(signed.headers['Accept']).toBe('application/json');
  });

  it('the page sends neither secret nor signature to another origin', async () => {
    const signed = await sign({ url: 'https://elsewhere.test/x', headers: { 'X-Signing-Secret': SECRET } });
    expect(signed.headers).toEqual({});
  });

  it('the page sends no key id but beside a signature', async () => {
    for (const name of ['X-Key-Id', 'x-key-id']) {
      const unsigned = await sign({ url: '/api/v1/batch-jobs', headers: { [name]: SECRET } });
      expect(unsigned.headers).toEqual({});
      const elsewhere = { url: 'https://elsewhere.test/x', headers: { [name]: 'acme', 'X-Signing-Secret': SECRET } };
      expect((await sign(elsewhere)).headers).toEqual({});
      const pastedTwice = await sign({ url: '/a', headers: { [name]: SECRET, 'X-Signing-Secret': SECRET } });
      expect(JSON.stringify(pastedTwice)).not.toContain(SECRET);
      const signed = await sign({ url: '/a', headers: { [name]: 'acme', 'X-Signing-Secret': SECRET } });
      expect(signed.headers).toEqual({
        'X-Key-Id': 'acme',
        'X-Timestamp': String(NOW),
        'X-Signature': expected('GET', '/a', ''),
      });
    }
  });

  it('the page leaves a request alone when no secret was typed', async () => {
    const signed = await sign({ url: '/health', headers: { Accept: '*/*' } });
    expect(signed.headers).toEqual({ Accept: '*/*' });
  });
});

describe('the box for the secret', () => {
  it('the box for the secret shows dots, and no other box of the page does', () => {
    const React = { createElement: (component: unknown, props: object) => ({ component, props }) };
    const input = load(webcrypto).maskSecret().wrapComponents.Input('Input', { React });
    expect(input({ id: 'api_key_value', type: 'text', autoFocus: true })).toEqual({
      component: 'Input',
      props: { id: 'api_key_value', type: 'password', autoComplete: 'off', spellCheck: false, autoFocus: true },
    });
    expect(input({ type: 'text', title: 'job_id' })).toEqual({
      component: 'Input',
      props: { type: 'text', title: 'job_id' },
    });
  });
});
