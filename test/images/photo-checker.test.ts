import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { AppConfig } from '../../src/config/app-config.js';
import { PHOTO_BYTES } from '../../src/images/photo-asker.js';
import { serveHttp, signalled, unusedPort, type Loopback } from '../outbound/loopback.js';
import { checkerFor, getOnly, IMAGE, JPEG, photo, type Handler } from './photo-host.js';

async function checkOne(
  handler: Handler,
  settings: Partial<AppConfig['images']> = {},
): Promise<{ result: unknown; server: Loopback }> {
  const server = await serveHttp(handler);
  return { result: await checkerFor(settings).check(`${server.origin}/1.jpg`), server };
}

describe('one photo', () => {
  it('a photo is there when HEAD says so, and nothing of it is fetched', async () => {
    const { result, server } = await checkOne(photo);
    expect(result).toMatchObject({ reachable: true });
    expect(server.requests).toEqual(['HEAD /1.jpg']);
  });

  it.each([403, 404, 405, 501])('a photo is asked for by GET when HEAD gets %i', async (status) => {
    const { result, server } = await checkOne((request, response) => {
      if (request.method === 'HEAD') response.writeHead(status).end();
      else photo(request, response);
    });
    expect(result).toMatchObject({ reachable: true });
    expect(server.requests).toEqual(['HEAD /1.jpg', 'GET /1.jpg']);
  });

  it('a photo is asked for by GET when HEAD hangs', async () => {
    const { result } = await checkOne(
      (request, response) => {
        if (request.method === 'GET') photo(request, response);
      },
      { headTimeoutSeconds: 0.1 },
    );
    expect(result).toMatchObject({ reachable: true });
  });

  it('a photo is fetched by its first 32 KB only', async () => {
    expect(JPEG.length).toBeGreaterThan(PHOTO_BYTES);
    const ranges: unknown[] = [];
    const { result } = await checkOne(
      getOnly((request, response) => {
        ranges.push(request.headers.range);
        const part = JPEG.subarray(0, PHOTO_BYTES);
        response.writeHead(206, { ...IMAGE, 'content-range': `bytes 0-${part.length - 1}/${JPEG.length}` }).end(part);
      }),
    );
    expect(result).toMatchObject({ reachable: true });
    expect(ranges).toEqual(['bytes=0-32767']);
  });

  it('a photo is read no further than 32 KB when the server ignores the range', async () => {
    const closed = signalled();
    const { result } = await checkOne(
      getOnly((_request, response) => {
        response.on('close', () => closed.resolve()).writeHead(200, IMAGE);
        const pour = (): void => {
          while (response.write(JPEG));
        };
        response.on('drain', pour);
        pour();
      }),
    );
    expect(result).toMatchObject({ reachable: true });
    await closed.promise;
  });

  it.each<[string, string, Handler]>([
    ['404', 'status', (_request, response) => response.writeHead(404).end()],
    [
      'HTML under an image type',
      'not_image',
      getOnly((_request, response) => response.writeHead(200, IMAGE).end('<!doctype html><p>gone</p>')),
    ],
    [
      'HTML',
      'not_image',
      (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>log in</p>'),
    ],
    [
      'SVG',
      'not_image',
      (_request, response) =>
        response.writeHead(200, { 'content-type': 'image/svg+xml' }).end('<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ],
    ['0 bytes', 'empty', (_request, response) => response.writeHead(200, { ...IMAGE, 'content-length': 0 }).end()],
    [
      '11 MB',
      'too_large',
      (request, response) => {
        response.writeHead(200, { ...IMAGE, 'content-length': 11 * 1024 * 1024 });
        if (request.method === 'HEAD') response.end();
        else response.write(JPEG);
      },
    ],
    [
      '11 MB by its range',
      'too_large',
      getOnly((_request, response) =>
        response
          .writeHead(206, { ...IMAGE, 'content-range': `bytes 0-${PHOTO_BYTES - 1}/${11 * 1024 * 1024}` })
          .end(JPEG.subarray(0, PHOTO_BYTES)),
      ),
    ],
    [
      'a photo cut off',
      'cut_off',
      getOnly((_request, response) => {
        response.writeHead(200, { ...IMAGE, 'content-length': JPEG.length });
        response.write(JPEG.subarray(0, 2000), () => response.destroy());
      }),
    ],
    [
      'a compressed body',
      'not_image',
      getOnly((_request, response) =>
        response
          .writeHead(200, { ...IMAGE, 'content-encoding': 'gzip' })
          .end(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
      ),
    ],
    [
      'a redirect into the house',
      'refused',
      (_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/1.jpg' }).end(),
    ],
    [
      'a redirect to a name that resolves inside',
      'refused',
      (_request, response) => response.writeHead(302, { location: 'http://inside.test/1.jpg' }).end(),
    ],
    [
      'a chain of redirects',
      'redirect',
      (request, response) => response.writeHead(302, { location: `${request.url}x` }).end(),
    ],
  ])('a photo is not there: %s (%s)', async (_case, failure, handler) => {
    const { result } = await checkOne(handler);
    expect(result).toMatchObject({ reachable: false, failure });
  });

  it('a photo is not asked for again once the guard has refused it', async () => {
    const { result, server } = await checkOne((_request, response) =>
      response.writeHead(302, { location: 'http://10.0.0.1/' }).end(),
    );
    expect(result).toMatchObject({ reachable: false, failure: 'refused' });
    expect(server.requests).toEqual(['HEAD /1.jpg']);
    expect(await checkerFor().check('http://192.168.0.1/1.jpg')).toMatchObject({
      reachable: false,
      failure: 'refused',
    });
  });

  it('a photo is found behind five redirects', async () => {
    const { result, server } = await checkOne((request, response) => {
      if (request.url === '/1.jpgxxxxx') photo(request, response);
      else response.writeHead(301, { location: `${request.url}x` }).end();
    });
    expect(result).toMatchObject({ reachable: true });
    expect(server.requests).toHaveLength(6);
  });

  it('a photo is not there when all requests hang, drip, or find nobody, as long as a client waits', async () => {
    const impatient = checkerFor({ headTimeoutSeconds: 0.2, getTimeoutSeconds: 0.2 });
    const hanging = await serveHttp(() => undefined);
    const failed = (failure: string) => ({ reachable: false, failure, final: false });
    expect(await impatient.check(`${hanging.origin}/1.jpg`)).toMatchObject(failed('timeout'));
    expect(hanging.requests.slice(0, 2)).toEqual(['HEAD /1.jpg', 'GET /1.jpg']);
    expect(hanging.requests.length).toBeLessThan(16);
    const dripping = await serveHttp(
      getOnly((_request, response) => {
        response.writeHead(200, IMAGE).write(JPEG.subarray(0, 100));
      }),
    );
    expect(await impatient.check(`${dripping.origin}/1.jpg`)).toMatchObject(failed('cut_off'));
    expect(await checkerFor().check(`http://127.0.0.1:${await unusedPort()}/1.jpg`)).toMatchObject(failed('connect'));
    expect(await checkerFor().check('http://nowhere.test/1.jpg')).toMatchObject({ failure: 'dns', final: true });
  });

  it.each<[string, Handler]>([
    ['416', (_request, response) => response.writeHead(416).end()],
    ['400', (_request, response) => response.writeHead(400).end()],
    ['403', (_request, response) => response.writeHead(403).end()],
    ['406', (_request, response) => response.writeHead(406).end()],
    ['500', (_request, response) => response.writeHead(500).end()],
    ['501', (_request, response) => response.writeHead(501).end()],
    ['a broken connection', (_request, response) => response.destroy()],
    ['no HTTP', (_request, response) => response.socket?.end('nonsense')],
    ['nothing', (_request, response) => response.writeHead(206, { ...IMAGE, 'content-length': 0 }).end()],
    [
      'several parts',
      (_request, response) =>
        response.writeHead(206, { 'content-type': 'multipart/byteranges; boundary=x' }).end('--x'),
    ],
    [
      'half of what it promised',
      (_request, response) => {
        response.writeHead(206, { ...IMAGE, 'content-length': 900 });
        response.write(JPEG.subarray(0, 100), () => response.destroy());
      },
    ],
  ])('a photo is asked for without a range where a range gets %s', async (_case, refuse) => {
    const { result, server } = await checkOne(
      getOnly((request, response) => {
        if (request.headers.range === undefined) photo(request, response);
        else refuse(request, response);
      }),
    );
    expect(result).toMatchObject({ reachable: true });
    expect(server.requests).toEqual(['HEAD /1.jpg', 'GET /1.jpg', 'GET /1.jpg']);
  });

  it.each<[string, Handler]>([
    [
      'octet-stream',
      (_request, response) => response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(JPEG),
    ],
    ['no type', (_request, response) => response.writeHead(200).end(JPEG)],
    ['a type of text', (_request, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(JPEG)],
    [
      'an attachment',
      (_request, response) => response.writeHead(200, { 'content-type': 'application/force-download' }).end(JPEG),
    ],
    [
      'gzip that nobody asked for',
      (_request, response) => response.writeHead(200, { ...IMAGE, 'content-encoding': 'gzip' }).end(gzipSync(JPEG)),
    ],
    [
      'a coding that was forgotten',
      (_request, response) => response.writeHead(200, { ...IMAGE, 'content-encoding': 'gzip' }).end(JPEG),
    ],
  ])('a photo is there by its bytes under %s', async (_case, get) => {
    expect((await checkOne(getOnly(get))).result).toMatchObject({ reachable: true });
  });
});
