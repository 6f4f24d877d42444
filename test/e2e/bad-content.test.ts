import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestService } from '../support/service.js';
import type { JsonObject } from 'openai-sandbox';
import { pathsOf, refused } from './refusal.js';

let service: TestService;

beforeAll(async () => {
  service = await TestService.start({ environment: { MAX_LOTS: '30' } });
});
beforeEach(() => service.reset());
afterAll(() => service.stop());

const refuse = (body: unknown, code: Parameters<typeof refused>[2], members: JsonObject = {}) =>
  refused(service, () => service.generate(body), code, members);

const photo = () => service.urls.car;

describe('a request whose members break a rule', () => {
  it.each([
    ['languages', undefined],
    ['languages', 'en'],
    ['languages', []],
    ['languages', ['en', 7]],
    ['languages', ['en', 'EN']],
    ['languages', ['en', 'de', 'fr', 'es', 'it', 'pl', 'ru', 'uk', 'cs', 'sk', 'nl']],
    ['lots', undefined],
    ['lots', []],
    ['lots', {}],
    ['lots', 'all'],
    ['mode', 'fast'],
    ['include', ['all']],
    ['include', 'usage'],
    ['webhook_events', ['batch_job_completed']],
    ['webhook_url', 7],
    ['metadata', []],
    ['metadata', Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, 'v']))],
    ['metadata', { ['k'.repeat(65)]: 'v' }],
    ['max_cost_usd', '1'],
    ['max_cost_usd', 0],
    ['max_cost_usd', -1],
  ])('a request is refused for its member %s: %j', async (member, value) => {
    expect(pathsOf(await refuse(service.request({ [member]: value }), 'VALIDATION_FAILED'))).toEqual([member]);
  });

  it.each([
    ['a', 7],
    ['a', 'v'.repeat(513)],
    ['a', 'zero\0byte'],
  ])('a request is refused for metadata.%s: %j', async (name, value) => {
    const body = service.request({ metadata: { [name]: value } });
    expect(pathsOf(await refuse(body, 'VALIDATION_FAILED'))).toEqual([`metadata.${name}`]);
  });

  it('metadata that just fits is taken, counted in characters and not in bytes or UTF-16 units', async () => {
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`k${n}`, '🚗'.repeat(512)]));
    expect((await service.generate(service.request({ metadata }))).body).toMatchObject({ metadata });
  });

  it.each([undefined, '2.0.0', 1, null, '1.0.0 '])('a request is refused for version %j', async (version) => {
    // Judged before all else: a later version may have other rules.
    await refuse(service.request({ version, languages: 'en', lots: {} }), 'UNSUPPORTED_VERSION');
  });
});

describe('a lot that breaks a rule', () => {
  it.each([
    ['lot_id', undefined],
    ['lot_id', null],
    ['lot_id', ''],
    ['lot_id', 'x'.repeat(101)],
    ['lot_id', true],
    ['lot_id', ['a']],
    ['lot_id', 1.5],
    ['lot_id', 'zero\0byte'],
    ['lot_id', 'half \ud83d of a pair'],
    ['images', undefined],
    ['images', null],
    ['images', 'https://cdn.test/1.jpg'],
    ['additional_info', 7],
    ['additional_info', 'x'.repeat(4001)],
    ['additional_info', 'zero\0byte'],
    ['webhook', {}],
  ])('a lot is refused for its member %s: %j', async (member, value) => {
    const body = service.request({}, { [member]: value });
    expect(pathsOf(await refuse(body, 'VALIDATION_FAILED'))).toEqual([`lots[0].${member}`]);
  });

  it.each(['1.0', '1e3', '1E400', '-0.0'])('a lot is refused whose lot_id %s is not an integer', async (token) => {
    const text = JSON.stringify(service.request({}, { lot_id: 'LOT' })).replace('"LOT"', token);
    expect(pathsOf(await refuse(text, 'VALIDATION_FAILED'))).toEqual(['lots[0].lot_id']);
  });

  it('a lot_id of 100 characters and additional_info of 4,000 are taken, whatever they take in bytes', async () => {
    const lot = { lot_id: '🚗'.repeat(100), additional_info: 'Ж'.repeat(4000) };
    expect((await service.generate(service.request({}, lot))).status).toBe(200);
  });

  it.each([7, null, {}, { url: 5 }, { href: 'https://cdn.test/1.jpg' }])(
    'a lot is refused for a photo that is %j',
    async (image) => {
      const body = service.request({}, { images: [photo(), image] });
      expect(pathsOf(await refuse(body, 'VALIDATION_FAILED'))).toEqual(['lots[0].images[1]']);
    },
  );

  it.each([7, null, 'lot', []])('a lot is refused that is no object: %j', async (lot) => {
    expect(pathsOf(await refuse(service.request({ lots: [lot] }), 'VALIDATION_FAILED'))).toEqual(['lots[0]']);
  });

  it('a lot without photos, or with 21 of them in sync mode, is refused', async () => {
    const none = await refuse(service.request({ mode: 'sync' }, { images: [] }), 'VALIDATION_FAILED');
    expect(pathsOf(none)).toEqual(['lots[0].images']);
    await refuse(service.request({}, { images: [] }), 'VALIDATION_FAILED');
    const body = service.request({ mode: 'sync' }, { images: Array.from({ length: 21 }, photo), lot_id: 'many' });
    expect(await refuse(body, 'TOO_MANY_IMAGES')).toMatchObject({ details: { lot_ids: ['many'], max_allowed: 20 } });
  });

  it('a lot of 101 photos in a batch is refused', async () => {
    const images = Array.from({ length: 101 }, photo);
    await refuse(service.request({ mode: 'batch' }, { images }), 'TOO_MANY_IMAGES');
  });

  it('two lots in sync mode are refused', async () => {
    const lots = ['a', 'b'].map((lot_id) => ({ lot_id, images: [photo()] }));
    expect(pathsOf(await refuse(service.request({ mode: 'sync', lots }), 'VALIDATION_FAILED'))).toEqual(['mode']);
  });

  it('a lot that is there twice is refused, and so are too many lots', async () => {
    const lots = ['a', 'b', 'a'].map((lot_id) => ({ lot_id, images: [photo()] }));
    const body = await refuse(service.request({ lots }), 'DUPLICATE_LOT_ID');
    expect(body['details']).toEqual({ lot_ids: ['a'] });
    const many = Array.from({ length: 31 }, (_, n) => ({ lot_id: n, images: [photo()] }));
    await refuse(service.request({ lots: many }), 'BATCH_SIZE_EXCEEDED', { provided_lots: 31, max_allowed: 30 });
  });
});

describe('a language that is not known', () => {
  it.each([
    ['ua', 'uk'],
    ['english', null],
    ['xx', null],
    ['en_US_', null],
  ])('a language that is not known is refused: %s', async (tag, nearest) => {
    const { details } = await refuse(service.request({ languages: ['en', tag] }), 'UNSUPPORTED_LANGUAGE');
    const [named] = (details as { languages: JsonObject[] }).languages;
    expect(named?.['tag']).toBe(tag);
    if (nearest !== null) expect(named?.['suggestion']).toBe(nearest);
  });
});

const HOSTILE = [
  'ftp://cdn.test/1.jpg',
  'file:///etc/passwd',
  'data:image/png;base64,AAAA',
  'javascript:alert(1)',
  '//cdn.test/1.jpg',
  '',
  ' ',
  'https://',
  'https://user:pass@cdn.test/1.jpg',
  'https://cdn.test:8080/1.jpg',
  'http://localhost/1.jpg',
  'http://printer.local/1.jpg',
  'http://metadata.google.internal/',
  'http://127.0.0.2/1.jpg',
  'http://2130706434/1.jpg',
  'http://0x7f.2/1.jpg',
  'http://0177.0.0.2/',
  'http://10.0.0.1/1.jpg',
  'http://169.254.169.254/latest/meta-data/',
  'http://[::1]/1.jpg',
  'http://[::ffff:10.0.0.1]/1.jpg',
  'http://[64:ff9b::7f00:2]/1.jpg',
  'http://[fe80::1%25eth0]/1.jpg',
  'https://cdn.test/1\u0000.jpg',
  'https://cdn.test/\ud800.jpg',
];

describe('a hostile address', () => {
  it.each(HOSTILE)('a hostile address is refused as a photo: %j', async (url) => {
    const body = service.request({}, { images: [photo(), url] });
    await refuse(body, 'INVALID_IMAGE_URLS', { invalid_urls: [url] });
  });

  it.each(HOSTILE.filter((url) => url !== ''))('a hostile address is refused as a webhook: %j', async (url) => {
    await refuse(service.request({ webhook_url: url }), 'INVALID_WEBHOOK_URL');
    const body = await refuse(service.request({}, { webhook: url }), 'INVALID_WEBHOOK_URL');
    expect(body['details']).toEqual({ invalid_urls: [url] });
  });

  it('a refusal names the first 100 hostile addresses when there are more', async () => {
    const images = Array.from({ length: 100 }, (_, n) => `ftp://cdn.test/${n}.jpg`);
    const lots = ['a', 'b'].map((lot_id) => ({ lot_id, images }));
    const first = images.slice(0, 100);
    await refuse(service.request({ lots }), 'INVALID_IMAGE_URLS', { invalid_urls: first });
  });
});

describe('a limit of its own', () => {
  it('nothing is sent where max_cost_usd is below the estimate', async () => {
    const { estimated_cost_usd: estimate } = await refuse(
      service.request({ max_cost_usd: 1e-6 }),
      'COST_LIMIT_EXCEEDED',
      {
        estimated_cost_usd: expect.any(Number) as number,
      },
    );
    expect(estimate).toBeGreaterThan(1e-6);
    const enough = await service.generate(service.request({ max_cost_usd: Number(estimate) * 1.2 }));
    expect(enough.status).toBe(200);
  });

  it.each(['', 'two words', 'x'.repeat(256), 'käse'])('a request is refused for Idempotency-Key: %j', async (key) => {
    const send = () => service.generate(service.request(), { headers: { 'Idempotency-Key': key } });
    expect(pathsOf(await refused(service, send, 'VALIDATION_FAILED'))).toEqual(['Idempotency-Key']);
  });
});
