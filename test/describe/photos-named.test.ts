import { describe, expect, it } from 'vitest';
import { photosNamed } from '../../src/describe/photos-named.js';

const BASE = 'https://cdn.test/lots/11-12345';
const URLS = [
  `${BASE}/1.jpg`,
  `${BASE}/11.jpg`,
  `${BASE}/it's (2).jpg`,
  `${BASE}/bad(1)`,
  `${BASE}/Фото.jpg`,
  `${BASE}/signed.jpg?X-Date=20260101&X-Sig=abc%2Bdef`,
  `${BASE}/part.jpg#top`,
  'https://other.test/1.jpg',
];

const named = (upstreamMessage: string, param?: string, urls: readonly (string | null)[] = URLS) => {
  const found = photosNamed({ upstreamMessage, param }, urls);
  return { named: inOrder(found.named), among: inOrder(found.among) };
};
const inOrder = (indexes: ReadonlySet<number>) => [...indexes].sort((one, other) => one - other);
const only = (...indexes: number[]) => ({ named: indexes, among: [] });
const error = (address: string) => `Error while downloading ${address}. Upstream status code: 403.`;

describe('an error names a photo by its position', () => {
  it.each([
    ['input[0].content[2].image_url', 0],
    ['input[0].content[8].image_url', 3],
    ['input[0].content[8]', 3],
    ['input.0.content.8.image_url', 3],
    ['messages.[1].content.[8].image_url', 3],
    ['$.input[0].content[8].image_url.url', 3],
  ])('an error names a photo by its position: %s', (param, index) => {
    expect(named('The image data you provided does not represent a valid image.', param)).toEqual(only(index));
    expect(named(`Invalid '${param}'. Expected a valid URL.`)).toEqual(only(index));
  });

  it.each(['input[0].content[0]', 'input[0].content[7].image_url', 'input[0].content[90].image_url', 'input', 'url'])(
    'an error blames no photo by a position where none stands: %s',
    (param) => {
      expect(named('Could not process the image.', param)).toEqual(only());
    },
  );

  it('an error names a photo by its position also where it was not sent by its address', () => {
    expect(named('Invalid image.', 'input[0].content[4].image_url', [URLS[0] ?? '', null])).toEqual(only(1));
  });
});

describe('an error names a photo by its address', () => {
  it.each<[string, string, number]>([
    ['as it is', `${BASE}/1.jpg`, 0],
    ['which begins like a longer one', `${BASE}/11.jpg`, 1],
    ['with an apostrophe and brackets', `${BASE}/it's (2).jpg`, 2],
    ['that ends with a bracket', `${BASE}/bad(1)`, 3],
    ['in quotes', `'${BASE}/bad(1)'`, 3],
    ['in brackets', `(${BASE}/1.jpg)`, 0],
    ['in angle brackets', `<${BASE}/1.jpg>`, 0],
    ['percent-encoded', `${BASE}/%D0%A4%D0%BE%D1%82%D0%BE.jpg`, 4],
    ['percent-encoded in lower case', `${BASE}/%d0%a4%d0%be%d1%82%d0%be.jpg`, 4],
    ['encoded twice', `${BASE}/%25D0%25A4%25D0%25BE%25D1%2582%25D0%25BE.jpg`, 4],
    ['as \\u escapes', `${BASE}/\\u0424\\u043e\\u0442\\u043e.jpg`, 4],
    ['decoded', `${BASE}/signed.jpg?X-Date=20260101&X-Sig=abc+def`, 5],
    ['with & escaped', `${BASE}/signed.jpg?X-Date=20260101\\u0026X-Sig=abc%2Bdef`, 5],
    ['as HTML', `${BASE}/signed.jpg?X-Date=20260101&amp;X-Sig=abc%2Bdef`, 5],
    ['with its slashes escaped', `${BASE}/it's (2).jpg`.replaceAll('/', '\\/'), 2],
    ['as a part of another address', encodeURIComponent(URLS[1] ?? ''), 1],
    ['without its query', `${BASE}/signed.jpg`, 5],
    ['without its fragment', `${BASE}/part.jpg`, 6],
    ['in other case', `HTTPS://CDN.TEST/lots/11-12345/part.jpg`, 6],
    ['cut', `${BASE}/sig...`, 5],
    ['cut with one sign', `${BASE}/signed.jpg?X-Da…`, 5],
    ['cut and said so', `${BASE}/signed.jpg?X-D... [truncated]`, 5],
    ['cut without a sign', `${BASE}/it's`, 2],
    ['on another host', 'https://other.test/1.jpg', 7],
  ])('an error names a photo by its address %s', (_name, address, index) => {
    expect(named(error(address))).toEqual(only(index));
    expect(named(`Timeout while downloading ${address}`)).toEqual(only(index));
    expect(named(`{"error":"${address}"}`)).toEqual(only(index));
  });

  it('an error names more than one photo by their addresses', () => {
    expect(named(`Failed to download: ${URLS[0]}, ${URLS[2]}; ${URLS[3]}.`)).toEqual(only(0, 2, 3));
  });

  it('an error that names a photo in two places at once names it once', () => {
    expect(named(error(URLS[1] ?? ''), 'input[0].content[4].image_url')).toEqual(only(1));
  });

  it('an error names a photo once that a lot lists twice', () => {
    expect(named(error(URLS[0] ?? ''), undefined, [URLS[1] ?? '', URLS[0] ?? '', URLS[0] ?? ''])).toEqual(only(1));
  });

  it('an error whose address may be that of several photos has them suspected, and blames none', () => {
    expect(named(error(`${BASE}/1...`))).toEqual({ named: [], among: [0, 1] });
    expect(named(error('https://cdn.test/...'))).toEqual(only());
  });

  it.each([
    ['one that no photo has', `${BASE}/12.jpg`],
    ['where its photo redirects to', 'https://storage.test/abc/1.jpg?sig=1'],
    ['an address longer than a photo of ours', `${BASE}/1.jpg/thumbnail`],
    ['a data URL', 'data:image/jpeg;base64,/9j/4AAQSkZJRgABAQ'],
    ['nothing', 'file'],
  ])('an error does not name a photo by %s', (_name, address) => {
    expect(named(error(address))).toEqual(only());
  });
});

describe('an error names a photo by its file alone', () => {
  it.each([
    ['Timeout while downloading 11.jpg.', [1]],
    ["Failed to download image from it's (2).jpg. Image size exceeds the limit.", [2]],
    ['Failed to download image from signed.jpg', [5]],
    ["Please use one of: ['png', 'jpeg', 'gif', 'webp'].", []],
    ['The image 3.jpg is invalid.', []],
  ])('an error names a photo by its file alone: %s', (text, indexes) => {
    expect(named(text)).toEqual(only(...indexes));
  });

  it('an error blames no photo by a file name that several have', () => {
    expect(named('Timeout while downloading 1.jpg.')).toEqual({ named: [], among: [0, 7] });
  });
});

it("an error's text of any length is read in no time", () => {
  const text = `${BASE}/x `.repeat(20_000);
  const many = Array.from({ length: 100 }, (_, index) => `${BASE}/${'x'.repeat(2000)}${index}.jpg`);
  expect(named(text, undefined, many).named).toEqual([]);
});
