import { GENERATE } from '../../support/service.js';
import { lot, members, mistake, signed, type Mistake } from './mistake.js';

/** Of the body as bytes. */
export const BODIES: readonly Mistake[] = [
  mistake(
    'Content-Type is forgotten',
    ({ service }) => {
      const body = JSON.stringify(service.request());
      return service.sendAsIs(GENERATE, 'POST', { ...signed(body), 'Content-Type': 'text/plain' }, body);
    },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    'application/json',
  ),
  mistake(
    'a comma too many',
    ({ service }) => service.generate('{"version": "1.0.0",\n "languages": ["en",],\n "lots": []}'),
    400,
    'INVALID_JSON',
    'line 2, character 21',
  ),
  mistake(
    'Content-Encoding: gzip over a plain body',
    ({ service }) => service.generate(service.request(), { headers: { 'Content-Encoding': 'gzip' } }),
    400,
    'INVALID_JSON',
    'gzip',
  ),
  mistake(
    'UTF-16 in place of UTF-8',
    ({ service }) => service.generate(Buffer.from(`\ufeff${JSON.stringify(service.request())}`, 'utf16le')),
    400,
    'INVALID_JSON',
    'UTF-8',
  ),
  mistake(
    'the body is an array of lots',
    ({ service }) => service.generate([{ lot_id: '1', images: [service.urls.car] }]),
    400,
    'INVALID_JSON',
    'object',
    '"lots"',
  ),
  mistake(
    'a body that is too large',
    ({ service }) => service.generate(service.request({}, { additional_info: 'x'.repeat(1_100_000) })),
    413,
    'BODY_TOO_LARGE',
    '1048576',
  ),
];

/** Of what a request says. */
export const MEMBERS: readonly Mistake[] = [
  members('version is left out', { version: undefined }, 400, 'UNSUPPORTED_VERSION', '1.0.0'),
  members('lots is one object', { lots: { lot_id: '1' } }, 400, 'VALIDATION_FAILED', 'lots', 'list'),
  lot('a lot without lot_id', { lot_id: undefined }, 400, 'VALIDATION_FAILED', 'lots[0].lot_id', 'string'),
  members(
    'the same lot_id twice',
    ({ urls }) => ({ lots: ['a', 'b', 'a'].map((id) => ({ lot_id: id, images: [urls.car] })) }),
    409,
    'DUPLICATE_LOT_ID',
    '"a"',
  ),
  lot('images is a string', ({ urls }) => ({ images: urls.car }), 400, 'VALIDATION_FAILED', 'lots[0].images', 'array'),
  lot(
    'images is misspelt',
    ({ urls }) => ({ images: undefined, image: [urls.car] }),
    400,
    'VALIDATION_FAILED',
    'images',
  ),
  lot(
    'a photo by FTP',
    { images: ['ftp://cdn.test/1.jpg'] },
    422,
    'INVALID_IMAGE_URLS',
    'ftp://cdn.test/1.jpg',
    'http',
  ),
  lot(
    'a photo on localhost',
    { images: ['http://localhost/1.jpg'] },
    422,
    'INVALID_IMAGE_URLS',
    'http://localhost/1.jpg',
    /public|private/,
  ),
  lot('a photo as a path', { images: ['/photos/1.jpg'] }, 422, 'INVALID_IMAGE_URLS', '/photos/1.jpg', 'http'),
  lot(
    'a photo as base64',
    { images: ['data:image/jpeg;base64,/9j/4AAQSkZJRgABAQ'] },
    422,
    'INVALID_IMAGE_URLS',
    'data:',
    'http',
  ),
  lot(
    '101 photos of a lot',
    ({ urls }) => ({ images: Array.from({ length: 101 }, (_, index) => `${urls.car}?${index}`) }),
    400,
    'TOO_MANY_IMAGES',
    'at most 100',
  ),
  members(
    '21 photos with mode sync',
    ({ urls }) => ({ mode: 'sync', lots: [{ lot_id: '1', images: Array.from({ length: 21 }, () => urls.car) }] }),
    400,
    'TOO_MANY_IMAGES',
    '20',
    'batch',
  ),
  members(
    'two lots with mode sync',
    ({ urls }) => ({ mode: 'sync', lots: ['a', 'b'].map((id) => ({ lot_id: id, images: [urls.car] })) }),
    400,
    'VALIDATION_FAILED',
    'mode',
    'batch',
  ),
  members('a language by its name', { languages: ['german'] }, 422, 'UNSUPPORTED_LANGUAGE', 'german', '"de"'),
  members('a country for a language', { languages: ['ua'] }, 422, 'UNSUPPORTED_LANGUAGE', 'ua', 'uk'),
  members('languages is a string', { languages: 'en,de' }, 400, 'VALIDATION_FAILED', 'languages', 'list'),
  members(
    'eleven languages',
    { languages: 'en de fr es it pl ru uk cs sk nl'.split(' ') },
    400,
    'VALIDATION_FAILED',
    '10',
  ),
  members(
    'a webhook on localhost',
    { webhook_url: 'http://localhost:8080/hook' },
    422,
    'INVALID_WEBHOOK_URL',
    'localhost',
    /public|private/,
  ),
  members('max_cost_usd as text', { max_cost_usd: '25' }, 400, 'VALIDATION_FAILED', 'max_cost_usd', 'number'),
  members('include of something else', { include: ['damages'] }, 400, 'VALIDATION_FAILED', 'include', 'assessment'),
  members('mode async', { mode: 'async' }, 400, 'VALIDATION_FAILED', 'mode', 'batch'),
  members(
    'metadata with a number',
    { metadata: { auction: 17 } },
    400,
    'VALIDATION_FAILED',
    'metadata.auction',
    'string',
  ),
];
