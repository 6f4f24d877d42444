import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import type { Response } from 'express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StalledReaders } from '../../src/common/stalled-readers.js';
import { LotResultReader } from '../../src/jobs/lot-result-reader.js';
import { EventSink } from '../../src/polling/event-sink.js';
import { insertCompletedLots, insertJob } from '../jobs/fixtures.js';
import { startPollingApp } from './polling-app.js';

const LOOK_MS = 5000;
const LOTS = 5000;

beforeEach(() => {
  Logger.overrideLogger(false);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => vi.useRealTimers());

/** Lets the service look at its connections until `gone` says that one was cut. */
async function lookUntil(gone: () => boolean): Promise<void> {
  while (!gone()) await vi.advanceTimersByTimeAsync(LOOK_MS);
}

/** Counts the pages that the next answer reads, and tells when it reads no more. */
function watchReading(reader: LotResultReader): { pages: number; ended: Promise<void> } {
  let end = () => {};
  const reading = { pages: 0, ended: new Promise<void>((resolve) => (end = resolve)) };
  reader.readPages = async function* (...args) {
    try {
      for await (const page of LotResultReader.prototype.readPages.apply(reader, args)) {
        reading.pages++;
        yield page;
      }
    } finally {
      end();
    }
  };
  return reading;
}

/** Real: HTTP, guard, PostgreSQL, sockets. Faked: the five seconds between two looks at them. */
describe('a reader that stands still', () => {
  it('a reader of results that stands still is cut in every format, and nothing more is read for it', async () => {
    const polling = await startPollingApp();
    try {
      const { database } = polling.db;
      const job = await insertJob(database, { status: 'completed', totalLots: LOTS });
      await insertCompletedLots(database, job.id, LOTS, ['en', 'ru']);
      // Text that gzip cannot make small: the system takes some megabytes for a client that reads nothing.
      await database.execute(
        `update batch_results set html = (select string_agg(md5(position || '-' || n), '') from generate_series(1, 100) n)
         where job_id = $1 and language = 'en'`,
        [job.id],
      );
      const reader = polling.app.get(LotResultReader, { strict: false });
      const server = polling.app.getHttpServer();
      for (const [rest, coding] of [
        ['', 'identity'],
        ['', 'gzip'],
        ['/download?format=ndjson', 'identity'],
        ['/download?format=csv', 'identity'],
      ] as const) {
        const reading = watchReading(reader);
        const path = `/api/v1/batch-results/${job.id}${rest}`;
        const headers = Object.entries({ ...polling.sign(path), 'Accept-Encoding': coding });
        const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
        socket.on('error', () => undefined);
        const connected = once(server, 'connection');
        socket.write(
          `GET ${path} HTTP/1.1\r\nHost: h\r\n${headers.map((pair) => `${pair.join(': ')}\r\n`).join('')}\r\n`,
        );
        const [served] = (await connected) as [Socket];
        await lookUntil(() => served.destroyed);
        await reading.ended;
        expect(reading.pages).toBeLessThan(LOTS / 128);
        socket.destroy();
      }
    } finally {
      await polling.close();
    }
  });

  it('a reader of events that stands still is cut, and its stream ends', async () => {
    let ended: Promise<void> | undefined;
    const server = createServer((_request, response) => {
      const sink = new EventSink(response as Response);
      ended = (async () => {
        response.writeHead(200);
        while (!response.destroyed) await sink.send(`data: ${'x'.repeat(64 * 1024)}\n\n`);
      })();
    });
    new StalledReaders(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    socket.on('error', () => undefined);
    const connected = once(server, 'connection');
    socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    const [served] = (await connected) as [Socket];
    await lookUntil(() => served.destroyed);
    await ended;
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
