import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/common/clock.js';
import { BatchRig } from './rig.js';

const MINUTE = 60_000;

/** A photo host that says "not now" for some paths for as long as the test wants. */
class BusyHost {
  readonly requests: string[] = [];
  /** Paths that are refused. */
  busy: (path: string) => boolean = () => true;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<BusyHost> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const host = new BusyHost(server);
    const answer: RequestListener = (request, response) => {
      const path = request.url ?? '';
      host.requests.push(path);
      // So long that no pass through a range waits for it.
      if (host.busy(path)) response.writeHead(429, { 'retry-after': '120' }).end();
      else if (path.includes('gone')) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': '50000' }).end();
    };
    server.on('request', answer);
    return host;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

// Real: PostgreSQL, photo hosts on loopback, the sandbox. Moved: the clock, and since when lots wait.
describe('lots with photos on a host that says "not now"', () => {
  let rig: BatchRig;
  let host: BusyHost;
  let later = 0;

  beforeEach(async () => {
    later = 0;
    vi.spyOn(Clock.prototype, 'now').mockImplementation(() => Date.now() + later);
    [rig, host] = await Promise.all([BatchRig.start(), BusyHost.start()]);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    host.close();
    await rig.close();
  });

  /** Lot 1 has a good photo, two on the busy host, and the others none there. */
  const mixed = (position: number) =>
    position === 1 ? ['/own.jpg', host.url('/a.jpg'), host.url('/b.jpg')] : [`/lot${position}.jpg`];

  async function photosAgain(minutes: number): Promise<void> {
    later += minutes * MINUTE;
    await rig.makeDue();
    await rig.run('photos');
  }

  async function stored(id: string, position: number) {
    const [row] = await rig.db.database.query(
      `select status, missing_images, missing_reasons, waiting_images, processed_images from batch_lots
       where job_id = $1 and position = $2`,
      [id, position],
    );
    return row;
  }

  it('lots with photos on a host that says "not now" wait in a range of their own, while the others go on', async () => {
    const id = await rig.job({ languages: ['en'], photos: mixed });
    await rig.run('photos');
    expect(await rig.shards()).toMatchObject([
      { attempt: 0, status: 'queued' },
      { attempt: 4, status: 'checking_photos' },
    ]);
    await rig.runUntil(async () => (await rig.lots(id)).filter((lot) => lot.status === 'completed').length === 2);
    expect((await rig.lots(id))[1]).toMatchObject({ status: 'pending' });
    host.busy = () => false;
    later += 3 * MINUTE;
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3, processed_images: '5' });
    expect(await rig.audit(id)).toEqual([]);
  });

  it('lots with photos on a host that says "not now" are asked again for the photos that are open, and for no other', async () => {
    host.busy = (path) => path === '/b.jpg';
    const id = await rig.job({
      lots: 1,
      languages: ['en'],
      photos: () => ['/x.jpg', host.url('/a.jpg'), host.url('/b.jpg'), host.url('/c.jpg'), host.url('/gone.jpg')],
    });
    await rig.run('photos');
    expect(await stored(id, 0)).toMatchObject({
      status: 'pending',
      waiting_images: expect.arrayContaining([host.url('/b.jpg')]) as unknown,
    });
    // Until all photos but one are known; the first "not now" may hold some of them back for a while.
    for (let n = 0; n < 3; n++) await photosAgain(3);
    expect(await stored(id, 0)).toMatchObject({
      waiting_images: [host.url('/b.jpg')],
      missing_images: [host.url('/gone.jpg')],
      missing_reasons: ['unreachable'],
    });
    const asked = host.requests.length;
    await photosAgain(3);
    expect(host.requests.slice(asked)).toEqual(['/b.jpg']);
    host.busy = () => false;
    await photosAgain(3);
    expect(await stored(id, 0)).toEqual({
      status: 'processing',
      waiting_images: null,
      missing_images: [host.url('/gone.jpg')],
      missing_reasons: ['unreachable'],
      processed_images: 4,
    });
    expect(host.requests.slice(asked + 1)).toEqual(['/b.jpg']);
  });

  it('lots with photos on a host that says "not now" are judged without it after twenty minutes without an answer', async () => {
    const id = await rig.job({
      languages: ['en'],
      photos: (position) =>
        position === 2 ? ['/1.jpg', '/2.jpg', '/3.jpg', host.url('/c.jpg')] : [host.url(`/${position}.jpg`)],
    });
    await rig.run('photos');
    await photosAgain(19);
    expect((await rig.lots(id)).map((lot) => lot.status)).toEqual(['pending', 'pending', 'pending']);
    await photosAgain(3);
    expect((await rig.lots(id)).map((lot) => [lot.status, lot.error?.code])).toEqual([
      ['failed', 'IMAGE_UNREACHABLE'],
      ['failed', 'IMAGE_UNREACHABLE'],
      ['processing', undefined],
    ]);
    expect(await stored(id, 0)).toMatchObject({
      missing_images: [host.url('/0.jpg')],
      missing_reasons: ['unreachable'],
    });
    expect(await stored(id, 2)).toMatchObject({ missing_images: [host.url('/c.jpg')], processed_images: 3 });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 1, failed_lots: 2 });
  });

  it('lots with photos on a host that says "not now" are waited for up to four hours while it answers to others', async () => {
    const id = await rig.job({ lots: 1, languages: ['en'], photos: () => [host.url('/0.jpg')] });
    await rig.run('photos');
    const answerToAnother = async (n: number): Promise<void> => {
      host.busy = (path) => path === '/0.jpg';
      later += 3 * MINUTE;
      await rig.job({ lots: 1, languages: ['en'], photos: () => [host.url(`/other${n}.jpg`)] });
      await rig.run('photos');
    };
    later += 230 * MINUTE;
    await answerToAnother(1);
    await photosAgain(3);
    expect((await rig.lots(id))[0]).toMatchObject({ status: 'pending' });
    await answerToAnother(2);
    await photosAgain(3);
    expect((await rig.lots(id))[0]).toMatchObject({ status: 'failed', error: { code: 'IMAGE_UNREACHABLE' } });
  });

  it('lots with photos on a host that says "not now" fail at once when too many other photos are gone for good', async () => {
    const id = await rig.job({ lots: 1, photos: () => [host.url('/busy.jpg'), '/missing1.jpg', '/missing2.jpg'] });
    await rig.run('photos');
    expect(await rig.lots(id)).toMatchObject([{ status: 'failed', error: { code: 'IMAGE_UNREACHABLE' } }]);
    const lot = (await stored(id, 0)) as { missing_images: string[] };
    expect(lot.missing_images).toHaveLength(3);
  });

  it('lots that wait longer for a host that says "not now" are put behind, their wait counted from its beginning', async () => {
    const id = await rig.job({ lots: 2, languages: ['en'], photos: (position) => [host.url(`/${position}.jpg`)] });
    await rig.run('photos');
    host.busy = (path) => path === '/1.jpg';
    await photosAgain(3);
    await photosAgain(0.5);
    // They stay together, because each lot that went on alone would be a batch of its own.
    expect(await rig.shards()).toMatchObject([{ attempt: 0 }, { attempt: 4, status: 'checking_photos' }]);
    await photosAgain(3);
    expect(await rig.shards()).toMatchObject([
      { attempt: 0 },
      { attempt: 4, status: 'queued' },
      { attempt: 8, status: 'checking_photos' },
    ]);
    const [began] = await rig.db.database.query<{ same: boolean }>(
      `select count(distinct date_trunc('milliseconds', created_at)) = 1 as same from openai_batches where attempt > 0`,
    );
    expect(began?.same).toBe(true);
    host.busy = () => false;
    later += 3 * MINUTE;
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(await rig.audit(id)).toEqual([]);
  });
});
