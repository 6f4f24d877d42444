import { describe, expect, it } from 'vitest';
import { matchesEtag, preferredWait, statusEtag } from '../../src/polling/conditional.js';

describe('matchesEtag', () => {
  const etag = statusEtag({ id: '0190163d-8694-739b-aea5-966c26f8ad90', tag: '7-0a1b' });

  it('an ETag is a weak tag of the job and what its status shows', () => {
    expect(etag).toBe('W/"0190163d-8694-739b-aea5-966c26f8ad90-7-0a1b"');
  });

  it.each([etag, etag.slice(2), `"other", ${etag}`, `W/"a",W/"b" , ${etag}`, '*', ' * '])(
    'matchesEtag matches %s',
    (header) => {
      expect(matchesEtag(header, etag)).toBe(true);
    },
  );

  const opaque = etag.slice(3, -1);
  it.each([
    opaque,
    `W/${opaque}`,
    `w/"${opaque}"`,
    `"${opaque}-gzip"`,
    `W/"${opaque}-br"`,
    `"${opaque}--gzip"`,
    `"${opaque};gz"`,
    `"${opaque}-gzip-gzip"`,
    `"${opaque}"-gzip`,
    `"${opaque}-zstd"`,
    `"${opaque}:0"`,
    `\\"${opaque}\\"`,
    `"other-gzip","${opaque}-gzip"`,
  ])('matchesEtag matches %s, as proxies and careless clients write it', (header) => {
    expect(matchesEtag(header, etag)).toBe(true);
  });

  it.each([
    undefined,
    '',
    '"other"',
    '"*"',
    etag.replace('b"', 'c"'),
    `"${opaque}c"`,
    `"${opaque}-"`,
    `"${opaque}-gzip-gzip-gzip-gzip"`,
    `"${opaque.slice(0, -1)}-gzip"`,
    `"x${opaque}"`,
  ])('matchesEtag does not match %s', (header) => {
    expect(matchesEtag(header, etag)).toBe(false);
  });
});

describe('preferredWait', () => {
  it.each([
    [undefined, 0],
    ['', 0],
    ['respond-async', 0],
    ['wait=10', 10],
    ['Wait = 10', 10],
    ['wait="10"', 10],
    ['respond-async, wait=5; strict', 5],
    ['wait=25', 25],
    ['wait=86400', 25],
    ['wait=3, wait=20', 3],
    ['wait', 0],
    ['wait=-1', 0],
    ['wait=soon', 0],
    ['await=9', 0],
  ])('preferredWait reads %s as %d seconds', (prefer, seconds) => {
    expect(preferredWait(prefer)).toBe(seconds);
  });
});
