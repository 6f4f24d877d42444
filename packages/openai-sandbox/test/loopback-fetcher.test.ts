import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loopbackFetcher } from '../src/responses/loopback-fetcher.js';

let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/elsewhere') response.writeHead(302, { location: 'http://192.0.2.1/photo.jpg' }).end();
    else response.end('bytes');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

const fetchPhoto = (url: string) => loopbackFetcher(5).fetch(url, new AbortController().signal);

it('the loopback fetcher fetches from this machine', async () => {
  const photo = await fetchPhoto(`${origin}/photo.jpg`);
  expect([photo.status, Buffer.from(photo.body).toString(), photo.problem]).toEqual([200, 'bytes', null]);
});

it.each([
  'http://192.0.2.1/a.jpg',
  'http://localhost.example/a.jpg',
  'http://[2001:db8::1]/a.jpg',
  'file:///etc/passwd',
  'no address',
])('the loopback fetcher asks nobody for %s', async (url) => {
  expect(await fetchPhoto(url)).toMatchObject({ status: 0, problem: 'unreachable' });
});

it('the loopback fetcher follows no redirect', async () => {
  expect((await fetchPhoto(`${origin}/elsewhere`)).status).toBe(302);
});
