import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { BatchRig } from './rig.js';

let rig: BatchRig;
afterEach(() => rig.close());

const start = async (environment: Record<string, string> = {}) => {
  rig = await BatchRig.start(environment, { SANDBOX_LOG_BODY_BYTES: '1000000' });
};
const BAD = { action: 'image_error', code: 'invalid_image_url', contains: '/bad' };
const REAL = ['/real-1.jpg', '/real-2.jpg', '/real-3.jpg'];

interface SeenLot {
  status: string;
  error: { code: string } | null;
  missing: string[];
  processed_images: number;
}

/** How the lots ended, their photos by file name. */
async function ended(jobId: string): Promise<SeenLot[]> {
  const rows = await rig.db.database.query<
    { [name: string]: unknown } & Omit<SeenLot, 'missing'> & { missing_images: string[] | null }
  >('select status, error, missing_images, processed_images from batch_lots where job_id = $1 order by position', [
    jobId,
  ]);
  return rows.map(({ status, error, missing_images, processed_images }) => ({
    status,
    error: error === null ? null : { code: error.code },
    missing: (missing_images ?? []).map((url) => url.slice(url.lastIndexOf('/') + 1)),
    processed_images,
  }));
}

/** The bodies of calls outside batches. */
async function directCalls(): Promise<string[]> {
  const { json } = await rig.sandbox.call('GET', '/sandbox/log?path=/v1/responses');
  return (json['requests'] as JsonObject[]).map((entry) => entry['body'] as string);
}

async function attempts(): Promise<number[]> {
  return (await rig.shards()).map(({ attempt }) => attempt);
}

const done = (processed_images: number, ...missing: string[]): SeenLot => ({
  status: 'completed',
  error: null,
  missing,
  processed_images,
});

describe('a line that failed for a photo', () => {
  it('a lot whose line failed for a photo is asked for directly, once, with that photo carried', async () => {
    await start();
    await rig.fault(BAD);
    const id = await rig.job({ languages: ['en'], photos: (lot) => (lot === 1 ? [...REAL, '/bad-real.jpg'] : REAL) });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3, failed_lots: 0 });
    expect(await ended(id)).toEqual([done(3), done(4), done(3)]);
    expect(await attempts()).toEqual([0, 2]);
    const calls = await directCalls();
    expect(calls.map((body) => [...body.matchAll(/data:image\/jpeg;base64,/g)].length)).toEqual([0, 1]);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a lot goes on without the photo that its line failed for where nothing is carried, or fails alone when that is too much', async () => {
    await start({ PHOTO_CARRY: 'false' });
    await rig.fault(BAD);
    const id = await rig.job({
      languages: ['en'],
      photos: (lot) => [[...REAL, '/bad-real.jpg'], ['/real-1.jpg', '/bad-real.jpg'], REAL][lot] ?? REAL,
    });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2, failed_lots: 1 });
    const [four, two, good] = await ended(id);
    expect([four, good]).toEqual([done(3, 'bad-real.jpg'), done(3)]);
    expect(two).toMatchObject({ status: 'failed', error: { code: 'IMAGE_UNREACHABLE' }, missing: ['bad-real.jpg'] });
    expect(await attempts()).toEqual([0, 2]);
    expect(await directCalls()).toHaveLength(3);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a lot ends after a bounded number of calls when every call fails for some photo', async () => {
    await start();
    await rig.fault({ action: 'image_error', code: 'image_parse_error', named: 'none' });
    const id = await rig.job({ lots: 2, languages: ['en'], photos: () => REAL });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'failed', failed_lots: 2 });
    expect((await ended(id)).map(({ error }) => error?.code)).toEqual(['IMAGE_UNREACHABLE', 'IMAGE_UNREACHABLE']);
    expect(await attempts()).toEqual([0, 2]);
    expect((await directCalls()).length).toBeLessThan(20);
  });
});

describe('an AVIF in a batch', () => {
  it('an AVIF in a batch is missing, for no line carries and no lot is asked for directly because of it', async () => {
    await start();
    const id = await rig.job({ lots: 2, languages: ['en'], photos: () => [...REAL, '/1.avif'] });
    await rig.runToEnd(id);
    expect(await ended(id)).toEqual([done(3, '1.avif'), done(3, '1.avif')]);
    expect(await attempts()).toEqual([0]);
    expect(await directCalls()).toEqual([]);
  });

  it('an AVIF in a batch is carried where its lot is asked for directly anyway', async () => {
    await start();
    await rig.fault({ ...BAD, within: 'line' });
    const id = await rig.job({ lots: 1, languages: ['en'], photos: () => [...REAL, '/1.avif', '/bad-real.jpg'] });
    await rig.runToEnd(id);
    expect(await ended(id)).toEqual([done(5)]);
    expect(await attempts()).toEqual([0, 2]);
    expect((await directCalls()).map((body) => body.includes('data:image/jpeg;base64,'))).toEqual([true]);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('an AVIF in a batch stays missing in a direct request where nothing is carried', async () => {
    await start({ PHOTO_CARRY: 'false' });
    await rig.fault({ ...BAD, within: 'line' });
    const id = await rig.job({ lots: 1, languages: ['en'], photos: () => [...REAL, '/1.avif', '/bad-real.jpg'] });
    await rig.runToEnd(id);
    expect(await ended(id)).toEqual([done(4, '1.avif')]);
  });
});
