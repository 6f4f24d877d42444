import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/setting-reader.js';
import { AllowList, checkUrl, MAX_URL_CHARACTERS } from '../../src/outbound/address-rules.js';
import { isPublicAddress } from '../../src/outbound/public-address.js';
import { REBOUND_NAMES, REFUSED_URLS } from './ssrf-strings.js';

const NOBODY = AllowList.parse([]);

function reasonFor(url: string, allow = NOBODY): string {
  const checked = checkUrl(url, allow);
  return checked.ok ? 'ok' : checked.reason;
}

describe('checkUrl', () => {
  it.each(REFUSED_URLS)('checkUrl refuses %j (%s)', (url) => {
    expect(checkUrl(url, NOBODY).ok).toBe(false);
  });

  it.each([
    ['http://10.0.0.1/', 'address'],
    ['http://localhost/', 'host'],
    ['http://example.com:22/', 'port'],
    ['ftp://example.com/', 'scheme'],
    ['http://a:b@example.com/', 'credentials'],
    ['http://exa mple.com/', 'syntax'],
    [`http://example.com/${'a'.repeat(MAX_URL_CHARACTERS)}`, 'too_long'],
    [`http://example.com/${'ж'.repeat(MAX_URL_CHARACTERS / 4)}`, 'too_long'],
  ])('checkUrl names the rule that %s breaks: %s', (url, reason) => {
    expect(reasonFor(url)).toBe(reason);
  });

  it.each([
    ['https://cdn.example.com/1.jpg', 'https://cdn.example.com/1.jpg'],
    ['HTTPS://CDN.Example.COM/1.jpg', 'https://cdn.example.com/1.jpg'],
    ['http://example.com', 'http://example.com/'],
    ['http://example.com./a', 'http://example.com/a'],
    ['https://example.com:80/', 'https://example.com:80/'],
    ['http://example.com:443/', 'http://example.com:443/'],
    ['https://example.com:443/', 'https://example.com/'],
    ['https://my_bucket.s3.amazonaws.com/1.jpg', 'https://my_bucket.s3.amazonaws.com/1.jpg'],
    ['https://_auto.example.com/1.jpg', 'https://_auto.example.com/1.jpg'],
    [' https://example.com/1.jpg', 'https://example.com/1.jpg'],
    ['https://example.com/1.jpg\n', 'https://example.com/1.jpg'],
    ['\r\n\thttps://example.com/1.jpg \r\n', 'https://example.com/1.jpg'],
    ['https://example.com/car 1.jpg', 'https://example.com/car%201.jpg'],
    ['https://example.com/a.jpg?name=my car', 'https://example.com/a.jpg?name=my%20car'],
    ['https://example.com/car\u00a01.jpg', 'https://example.com/car%C2%A01.jpg'],
    ['https://8.8.8.8/x', 'https://8.8.8.8/x'],
    ['https://[2606:4700:4700::1111]/x', 'https://[2606:4700:4700::1111]/x'],
    ['https://пример.рф/фото.jpg', 'https://xn--e1afmkfd.xn--p1ai/%D1%84%D0%BE%D1%82%D0%BE.jpg'],
    ['https://r3---sn-ab.example.com/?a=b@c%20d', 'https://r3---sn-ab.example.com/?a=b@c%20d'],
    [`https://${'a'.repeat(63)}.com/`, `https://${'a'.repeat(63)}.com/`],
  ])('checkUrl lets %s through', (url, href) => {
    const checked = checkUrl(url, NOBODY);
    expect(checked).toMatchObject({ ok: true });
    expect(checked.ok && checked.url.href).toBe(href);
  });

  it.each(REBOUND_NAMES)('checkUrl cannot know without DNS where %s leads', (name) => {
    expect(reasonFor(`http://${name}/`)).toBe('ok');
  });

  it('checkUrl lets no IPv4 literal through that is not public, however it is written', () => {
    const forms = (bytes: readonly number[]): string[] => {
      const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
      const hex = number.toString(16).padStart(8, '0');
      return [
        bytes.join('.'),
        String(number),
        `0x${hex}`,
        `0${number.toString(8)}`,
        bytes.map((byte) => `0x${byte.toString(16)}`).join('.'),
        `${bytes[0]}.${number % 2 ** 24}`,
        `[::ffff:${bytes.join('.')}]`,
        `[::${bytes.join('.')}]`,
        `[64:ff9b::${bytes.join('.')}]`,
        `[2002:${hex.slice(0, 4)}:${hex.slice(4)}::]`,
      ];
    };
    const bytes = fc.tuple(
      fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 224, 240, 255),
      fc.nat(255),
      fc.nat(255),
      fc.nat(255),
    );
    fc.assert(
      fc.property(bytes, (ip) => {
        for (const form of forms(ip)) {
          const checked = checkUrl(`http://${form}/`, NOBODY);
          if (checked.ok) expect(isPublicAddress(checked.url.hostname)).toBe(true);
        }
        for (const form of forms(ip).slice(6)) expect(reasonFor(`http://${form}/`)).toBe('address');
      }),
    );
  });
});

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450::1'])(
    'isPublicAddress says yes to %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    '127.0.0.1',
    '::1',
    '::ffff:8.8.8.8',
    '::7f00:1',
    'fe80::1%eth0',
    '2606:4700::1%1',
    '0x7f.1',
    '8.8',
    'a.b',
    '',
  ])('isPublicAddress says no to %j', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('OUTBOUND_ALLOW', () => {
  const allow = AllowList.parse([
    'Receiver.internal',
    'localhost',
    '127.0.0.1',
    '10.20.0.0/16',
    '[::1]',
    'fd00::/8',
    'my_minio',
  ]);

  it.each([
    'http://receiver.internal:9000/hook',
    'http://RECEIVER.internal./hook',
    'https://localhost:8443/',
    'http://127.0.0.1:3001/1.jpg',
    'http://10.20.30.40:8080/',
    'http://[::1]:8080/',
    'http://[fd12::1]/',
    'http://my_minio:9000/bucket/1.jpg',
  ])('OUTBOUND_ALLOW lets %s through, on any port', (url) => {
    expect(reasonFor(url, allow)).toBe('ok');
  });

  it.each([
    ['http://other.internal/', 'host'],
    ['http://a.receiver.internal/', 'host'],
    ['http://127.0.0.2/', 'address'],
    ['http://10.21.0.1/', 'address'],
    ['http://[::ffff:127.0.0.1]/', 'address'],
    ['http://[::ffff:10.20.0.1]/', 'address'],
    ['http://example.com:9000/', 'port'],
    ['http://user@localhost/', 'credentials'],
    ['ftp://localhost/', 'scheme'],
    ['http://localhost\\@example.com/', 'syntax'],
  ])('OUTBOUND_ALLOW still refuses %s', (url, reason) => {
    expect(reasonFor(url, allow)).toBe(reason);
  });

  it.each([
    'receiver:8080',
    '10.0.0.0/33',
    '10/8',
    '*.internal',
    'http://localhost',
    '2130706433',
    'a..b',
    'a/b',
    'x@y',
    '::1/129',
  ])('OUTBOUND_ALLOW stops the start for %j without repeating it', (entry) => {
    expect(() => AllowList.parse(['localhost', entry])).toThrow(ConfigError);
    expect(() => AllowList.parse(['localhost', entry])).toThrow(/OUTBOUND_ALLOW: entry 2 /);
  });
});
