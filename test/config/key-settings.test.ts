import { describe, expect, it } from 'vitest';
import { readKeys, readLotsSignature, readWebhookSecrets } from '../../src/config/key-settings.js';
import { SettingReader } from '../../src/config/setting-reader.js';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);
const C = 'c'.repeat(32);
const WHSEC = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

function read<T>(environment: Record<string, string>, reading: (reader: SettingReader) => T) {
  const reader = new SettingReader(environment);
  return { value: reading(reader), problems: reader.problems };
}

describe('shared keys', () => {
  it('SHARED_KEY takes one secret as key id default', () => {
    expect(read({ SHARED_KEY: A }, readKeys)).toEqual({ value: new Map([['default', [A]]]), problems: [] });
  });

  it('SHARED_KEYS takes a secret or two per key id, newest first', () => {
    const keys = JSON.stringify({ acme: A, beta: [B, C] });
    expect(read({ SHARED_KEYS: keys }, readKeys)).toEqual({
      value: new Map([
        ['acme', [A]],
        ['beta', [B, C]],
      ]),
      problems: [],
    });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['none', {}, /SHARED_KEY or SHARED_KEYS is needed/],
    ['both variables', { SHARED_KEY: A, SHARED_KEYS: JSON.stringify({ acme: B }) }, /both set/],
    ['31 bytes', { SHARED_KEY: A.slice(1) }, /shorter than 32 bytes/],
    [
      'one secret for two ids',
      { SHARED_KEYS: JSON.stringify({ acme: A, beta: [B, A] }) },
      /acme and beta have the same/,
    ],
    ['one secret twice for an id', { SHARED_KEYS: JSON.stringify({ acme: [A, A] }) }, /acme and acme have the same/],
    ['three secrets', { SHARED_KEYS: JSON.stringify({ acme: [A, B, C] }) }, /a list of 1 to 2/],
    ['an empty list', { SHARED_KEYS: '{"acme":[]}' }, /a list of 1 to 2/],
    ['a number', { SHARED_KEYS: '{"acme":1}' }, /a list of 1 to 2/],
    ['a key id with a blank', { SHARED_KEYS: JSON.stringify({ 'a b': A }) }, /a key id must be/],
    ['an array', { SHARED_KEYS: JSON.stringify([A]) }, /must be a JSON object/],
    ['broken JSON', { SHARED_KEYS: `{"acme":"${A}` }, /must be a JSON object/],
  ])('the start refuses shared keys: %s', (_name, environment, problem) => {
    const { problems } = read(environment, readKeys);
    expect(problems.join('\n')).toMatch(problem);
    for (const secret of [A, B, C, A.slice(1)]) expect(problems.join('\n')).not.toContain(secret);
  });

  it('a shared key is counted in bytes, not characters: 16 Cyrillic letters are 32 bytes', () => {
    expect(read({ SHARED_KEY: 'ж'.repeat(16) }, readKeys).problems).toEqual([]);
    expect(read({ SHARED_KEY: 'ж'.repeat(15) }, readKeys).problems).toHaveLength(1);
  });
});

describe('the lots signature', () => {
  const keys = new Map([
    ['acme', [A]],
    ['beta', [B]],
  ]);
  const reading = (reader: SettingReader) => readLotsSignature(reader, keys);

  it('the lots signature is on by default, off on request, or for the listed key ids', () => {
    expect(read({}, reading).value).toBe(true);
    expect(read({ AUTH_LOTS_SIGNATURE: 'false' }, reading).value).toBe(false);
    expect(read({ AUTH_LOTS_SIGNATURE: 'acme, beta' }, reading)).toEqual({
      value: new Set(['acme', 'beta']),
      problems: [],
    });
  });

  it('AUTH_LOTS_SIGNATURE refuses a key id that does not exist: a typing error would lock a client out', () => {
    expect(read({ AUTH_LOTS_SIGNATURE: 'acme,bate' }, reading).problems).toHaveLength(1);
  });
});

describe('webhook secrets', () => {
  const one = new Map([['default', [A]]]);
  const two = new Map([
    ['acme', [A]],
    ['beta', [B]],
  ]);

  it('webhook secrets belong to the only key id, or to the one that is named', () => {
    expect(read({ WEBHOOK_SECRET: WHSEC }, (reader) => readWebhookSecrets(reader, one)).value).toEqual(
      new Map([['default', [WHSEC]]]),
    );
    const named = { WEBHOOK_SECRETS: JSON.stringify({ beta: [WHSEC] }) };
    expect(read(named, (reader) => readWebhookSecrets(reader, two))).toEqual({
      value: new Map([['beta', [WHSEC]]]),
      problems: [],
    });
  });

  it.each<[string, Record<string, string>, ReadonlyMap<string, readonly string[]>, RegExp]>([
    ['a single one for two key ids', { WEBHOOK_SECRET: WHSEC }, two, /use WEBHOOK_SECRETS/],
    ['no whsec_', { WEBHOOK_SECRET: 'w'.repeat(40) }, one, /whsec_/],
    ['23 bytes', { WEBHOOK_SECRET: `whsec_${Buffer.alloc(23).toString('base64')}` }, one, /24 to 64 bytes/],
    ['an unknown key id', { WEBHOOK_SECRETS: JSON.stringify({ gamma: WHSEC }) }, two, /gamma is not in SHARED_KEYS/],
    ['both variables', { WEBHOOK_SECRET: WHSEC, WEBHOOK_SECRETS: JSON.stringify({ default: WHSEC }) }, one, /both set/],
  ])('webhook secrets refuse %s', (_name, environment, keys, problem) => {
    expect(read(environment, (reader) => readWebhookSecrets(reader, keys)).problems.join('\n')).toMatch(problem);
  });
});
