import type { LoggerService } from '@nestjs/common';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PhotoCarrier } from '../../src/images/photo-carrier.js';
import type { JsonObject } from 'openai-sandbox';
import { AVIF, HEIC, TIFF } from '../images/photo-samples.js';
import { lotOf, TestService, type Answer } from '../support/service.js';
import { expectRefusal } from './refusal.js';

/** Carries photos, as services do by default. */
let service: TestService;
/** PHOTO_CARRY=false, with the same sandbox and the same photos. */
let plain: TestService;
const logged: string[] = [];

beforeAll(async () => {
  service = await TestService.start({ logger: collecting(logged) });
  plain = await TestService.start({ beside: service, environment: { PHOTO_CARRY: 'false' } });
  for (const [name, bytes] of [
    ['avif.jpg', AVIF],
    ['tiff.jpg', TIFF],
    ['heic.jpg', HEIC],
  ] as const) {
    service.photos.serve(name, bytes);
  }
  const jpeg = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#808080' } })
    .jpeg()
    .toBuffer();
  for (const name of [...GOOD, ...BAD]) service.photos.serve(name, jpeg);
});
beforeEach(async () => {
  await service.reset();
  logged.length = 0;
});
// After every lot the memory for its carried photos is free again.
afterEach(() => expect(service.app.get(PhotoCarrier).kept.inUse).toBe(0));
afterAll(async () => {
  await plain.stop();
  await service.stop();
});

const GOOD = Array.from({ length: 20 }, (_, index) => `good-${index}.jpg`);
const BAD = Array.from({ length: 8 }, (_, index) => `bad-${index}.jpg`);

const urls = (...names: string[]) => names.map((name) => service.photos.url(name));
const ask = (by: TestService, names: readonly string[], change: JsonObject = {}): Promise<Answer> =>
  by.generate(by.request(change, { images: urls(...names) }));
const bad = (rule: JsonObject): JsonObject => ({ action: 'image_error', contains: '/bad', ...rule });
const missing = (...names: string[]) => ({
  missing_images: urls(...names),
  // Its host is one of OUTBOUND_ALLOW.
  photo_problems: urls(...names).map((url) => ({ url, reason: 'unreachable' })),
});

const tooMany = (...names: string[]) => ({
  ...missing(...names),
  message: expect.stringContaining('photos cannot be reached') as string,
});

/** What each call named, the data URLs cut to their beginning. */
async function sent(): Promise<string[][]> {
  return (await service.calls()).map(({ body }) =>
    [...JSON.stringify(body).matchAll(/"image_url":"([^"]{1,22})[^"]*?([^/"]{0,11})"/g)].map(
      ([, start = '', end = '']) => (start.startsWith('data:') ? start : end),
    ),
  );
}
const DATA = 'data:image/jpeg;base64';

describe('a photo whose bytes no model takes', () => {
  it('a photo whose bytes no model takes is carried beside the others, whatever its host calls it', async () => {
    const answer = await ask(service, ['car.jpg', 'avif.jpg', 'tiff.jpg', 'grey.jpg']);
    expect(answer.status).toBe(200);
    expect(lotOf(answer.body)).toMatchObject({ processed_images: 4, ...missing() });
    // The check has read their first bytes, so that no call is spent on finding out.
    expect(await sent()).toEqual([['car.jpg', DATA, DATA, 'grey.jpg']]);
  });

  it('a photo whose bytes no model takes is carried at once where its host says what it is', async () => {
    service.photos.serve('honest.avif', AVIF, 'image/avif');
    const answer = await ask(service, ['honest.avif']);
    expect(answer.status).toBe(200);
    expect(await sent()).toEqual([[DATA]]);
  });

  it('a photo whose bytes no model takes is left out where we cannot open it either', async () => {
    const answer = await ask(service, ['car.jpg', 'heic.jpg', 'other.jpg', 'grey.jpg']);
    expect(answer.status).toBe(200);
    expect(lotOf(answer.body)).toMatchObject({ processed_images: 3, ...missing('heic.jpg') });
    expect(await service.callCounts()).toEqual({ vision: 1, translation: 0 });
  });

  it('a photo whose bytes no model takes is left out where PHOTO_CARRY is false', async () => {
    const answer = await ask(plain, ['car.jpg', 'avif.jpg', 'other.jpg', 'grey.jpg']);
    expect(lotOf(answer.body)).toMatchObject({ processed_images: 3, ...missing('avif.jpg') });
    service.photos.serve('honest.avif', AVIF, 'image/avif');
    expectRefusal(await ask(plain, ['honest.avif']), 'IMAGE_UNREACHABLE', tooMany('honest.avif'));
  });
});

const NAMINGS = ['address', 'escaped', 'encoded', 'cut', 'file', 'position'] as const;

describe('a photo that OpenAI cannot download', () => {
  it.each(NAMINGS)('a photo that OpenAI cannot download is carried when its error names it (%s)', async (named) => {
    await service.faults(bad({ code: 'invalid_image_url', named }));
    const answer = await ask(service, ['good-1.jpg', 'bad-1.jpg', 'good-2.jpg', 'good-3.jpg']);
    expect(answer.status).toBe(200);
    expect(lotOf(answer.body)).toMatchObject({ processed_images: 4, ...missing() });
    expect((await sent()).at(-1)?.map((url) => url === DATA)).toEqual([false, true, false, false]);
    expect(await service.callCounts()).toEqual({ vision: 2, translation: 0 });
  });

  it.each(NAMINGS)('a photo that OpenAI cannot download is left out when nothing is carried (%s)', async (named) => {
    await service.faults(bad({ code: 'invalid_image_url', named }));
    const answer = await ask(plain, ['good-1.jpg', 'bad-1.jpg', 'good-2.jpg', 'good-3.jpg']);
    expect(lotOf(answer.body)).toMatchObject({ processed_images: 3, ...missing('bad-1.jpg') });
    expect(await service.callCounts()).toEqual({ vision: 2, translation: 0 });
  });

  it('a photo that OpenAI cannot download is found by halving when nothing names it, at the price of low detail', async () => {
    await service.faults(bad({ code: 'invalid_image_url', named: 'none' }));
    const names = [...GOOD.slice(0, 17), 'bad-1.jpg', 'bad-2.jpg', ...GOOD.slice(17, 18)];
    const answer = await ask(plain, names);
    expect(answer.status).toBe(200);
    expect(lotOf(answer.body)).toMatchObject({ processed_images: 18, ...missing('bad-1.jpg', 'bad-2.jpg') });
    const calls = await service.calls();
    const details = calls.map(({ body }) => (JSON.stringify(body).includes('"detail":"low"') ? 'low' : 'full'));
    expect(details).toEqual(['full', ...details.slice(1, -1).map(() => 'low'), 'full']);
    expect(calls.length).toBeLessThan(16);
    const [usage] = await service.db.database.query<{ calls: number }>(
      'select calls from job_usage where job_id = $1',
      [String(answer.body['job_id'])],
    );
    // Each probe that passed is an answer, and is counted.
    expect(usage?.calls).toBe(calls.filter(({ status }) => status === 200).length);
  });

  it('we carry all photos of a lot when nothing names the one that OpenAI cannot download', async () => {
    await service.faults(bad({ code: 'invalid_image_url', named: 'none' }));
    const answer = await ask(service, ['good-1.jpg', 'bad-1.jpg', 'good-2.jpg']);
    expect(lotOf(answer.body)).toMatchObject({ processed_images: 3, ...missing() });
    expect((await sent()).slice(1)).toEqual([[DATA, DATA, DATA]]);
  });

  it('we carry all photos of a host once two of it cannot be downloaded by OpenAI', async () => {
    await service.faults(bad({ code: 'invalid_image_url' }));
    const answer = await ask(service, ['good-1.jpg', ...BAD, 'good-2.jpg']);
    expect(lotOf(answer.body)).toMatchObject({ processed_images: 10, ...missing() });
    expect(await service.callCounts()).toEqual({ vision: 3, translation: 0 });
  });

  it('a photo that OpenAI cannot download is asked for once more after a time-out', async () => {
    await service.faults(bad({ code: 'invalid_value', count: 1 }));
    const answer = await ask(plain, ['bad-1.jpg']);
    expect(answer.status).toBe(200);
    expect(lotOf(answer.body)).toMatchObject(missing());
    expect((await sent()).flat()).toEqual(['bad-1.jpg', 'bad-1.jpg']);
  });

  it('a photo that OpenAI cannot download is left out after two time-outs', async () => {
    await service.faults(bad({ code: 'invalid_value' }));
    const answer = await ask(plain, ['good-1.jpg', 'bad-1.jpg', 'good-2.jpg', 'good-3.jpg']);
    expect(lotOf(answer.body)).toMatchObject(missing('bad-1.jpg'));
    expect(await service.callCounts()).toEqual({ vision: 3, translation: 0 });
  });

  it('a photo is not carried when its picture is what is wrong', async () => {
    await service.faults(bad({ code: 'image_content_policy_violation', named: 'position' }));
    const answer = await ask(service, ['good-1.jpg', 'bad-1.jpg', 'good-2.jpg', 'good-3.jpg']);
    expect(lotOf(answer.body)).toMatchObject({ processed_images: 3, ...missing('bad-1.jpg') });
    expect((await sent()).flat()).not.toContain(DATA);
  });
});

describe('too many photos that OpenAI cannot take', () => {
  it.each(['address', 'none'])('too many photos that OpenAI cannot take end the lot (named by %s)', async (named) => {
    await service.faults(bad({ code: 'invalid_image_url', named }));
    const answer = await ask(plain, ['bad-1.jpg', 'bad-2.jpg', 'bad-3.jpg', 'good-1.jpg']);
    expectRefusal(answer, 'IMAGE_UNREACHABLE', tooMany('bad-1.jpg', 'bad-2.jpg'));
  });

  it('photos that OpenAI cannot take count together with those that are not there', async () => {
    await service.faults(bad({ code: 'invalid_image_url' }));
    const answer = await ask(plain, ['gone.jpg', 'bad-1.jpg', 'good-1.jpg', 'good-2.jpg', 'good-3.jpg']);
    expectRefusal(answer, 'IMAGE_UNREACHABLE', tooMany('gone.jpg', 'bad-1.jpg'));
  });

  it('a lot ends after a bounded number of calls, whatever photos are refused', async () => {
    await service.faults({ action: 'image_error', code: 'image_parse_error', named: 'none' });
    const answer = await ask(plain, GOOD);
    expectRefusal(answer, 'IMAGE_UNREACHABLE', tooMany(...GOOD.slice(0, 7)));
    expect(await service.callCounts()).toEqual({ vision: 16, translation: 0 });
  });

  it('no photo is blamed when each passes alone and only all of them are too many', async () => {
    await service.faults({
      action: 'image_error',
      code: 'image_parse_error',
      named: 'none',
      contains: '"detail":"high"',
    });
    const answer = await ask(plain, ['good-1.jpg', 'good-2.jpg', 'good-3.jpg']);
    expectRefusal(answer, 'OPENAI_API_ERROR');
    expect(answer.body['message']).toContain('photos');
    expect(await service.callCounts()).toEqual({ vision: 3, translation: 0 });
  });
});

it('an answer shows a carried photo under its own address, and its data nowhere', async () => {
  await service.faults(
    bad({ code: 'invalid_image_url' }),
    // What OpenAI says of a carried one may quote it.
    { action: 'image_error', code: 'invalid_base64_image', message: 'Invalid {photo}', contains: DATA, count: 1 },
  );
  const answer = await ask(service, ['bad-1.jpg', 'good-1.jpg', 'good-2.jpg', 'avif.jpg'], {
    include: ['assessment', 'usage'],
    languages: ['en', 'fi'],
  });
  expect(answer.status).toBe(200);
  expect((await sent()).flat()).toContain(DATA);
  const { assessment } = lotOf(answer.body) as { assessment: { photos: { url: string }[] } };
  expect(assessment.photos.map(({ url }) => url)).toEqual(urls('bad-1.jpg', 'good-1.jpg', 'good-2.jpg', 'avif.jpg'));
  const results = await service.send(`/api/v1/batch-results/${String(answer.body['job_id'])}`);
  const tables = await service.db.database.query<{ text: string }>(
    `select query_to_xml(format('select * from %I', table_name), true, false, '')::text as text
     from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  expect(tables.map(({ text }) => text).join()).toContain('good-1.jpg');
  for (const text of [
    JSON.stringify(answer.body),
    JSON.stringify(results.body),
    ...logged,
    ...tables.map((t) => t.text),
  ]) {
    expect(text).not.toMatch(/data:image|;base64|\/9j\//);
  }
});

function collecting(lines: string[]): LoggerService {
  const write = (...values: unknown[]) => void lines.push(values.map((value) => JSON.stringify(value)).join(' '));
  return { log: write, error: write, warn: write, debug: write, verbose: write, fatal: write };
}

describe('a lot that fails for another reason', () => {
  it.each([
    ['a refused request', { action: 'status', status: 400 }],
    ['a model that refuses', { action: 'refusal' }],
  ])('a lot that fails otherwise names the photos that were missing: %s', async (_name, fault) => {
    await service.faults(fault);
    const answer = await ask(service, ['good-1.jpg', 'absent.jpg', 'good-2.jpg', 'good-3.jpg']);
    expectRefusal(answer, 'OPENAI_API_ERROR');
    const { body } = await service.send('/api/v1/batch-jobs?mode=sync');
    const [job] = body['jobs'] as JsonObject[];
    const results = await service.send(`/api/v1/batch-results/${String(job?.['job_id'])}`);
    const { lots } = results.body['results'] as { lots: JsonObject[] };
    expect(lots[0]).toMatchObject({ status: 'failed', ...missing('absent.jpg') });
  });
});
