import type { IncomingMessage, ServerResponse } from 'node:http';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/common/clock.js';
import type { AppConfig } from '../../src/config/app-config.js';
import { HostPaces } from '../../src/images/host-paces.js';
import { PhotoAsker } from '../../src/images/photo-asker.js';
import type { LaneLimits, PhotoLane } from '../../src/images/photo-check.js';
import { PhotoChecker } from '../../src/images/photo-checker.js';
import { AllowList } from '../../src/outbound/address-rules.js';
import { OutboundClient } from '../../src/outbound/outbound-client.js';
import { FakeClock } from '../support/fake-clock.js';
import { StubResolver } from '../outbound/stub-resolver.js';

/** A clock whose waits end at once; it shows the time as if they had passed. */
export const hurriedClock = () => new FakeClock({ at: Date.now(), skipUpToMs: Infinity });

/** Real servers on loopback, which the allow list lets through. Only DNS is a stub. */
export function checkerFor(
  settings: Partial<AppConfig['images']> = {},
  lanes?: Record<PhotoLane, LaneLimits>,
  clock: Clock = hurriedClock(),
): PhotoChecker {
  const images = {
    maxBytes: 10 * 1024 * 1024,
    headTimeoutSeconds: 20,
    getTimeoutSeconds: 20,
    maxUnreachable: 0.3,
    ...settings,
  };
  const allow = AllowList.parse(['127.0.0.1/32']);
  const outbound = new OutboundClient(allow, new StubResolver().answer('inside.test', ['10.0.0.1']));
  onTestFinished(() => outbound.onApplicationShutdown());
  return assembled({ images } as AppConfig, clock, outbound, allow, lanes);
}

/** Built as the module builds it. */
export function assembled(
  config: AppConfig,
  clock: Clock,
  outbound: OutboundClient,
  allow: AllowList,
  lanes?: Record<PhotoLane, LaneLimits>,
): PhotoChecker {
  const asker = new PhotoAsker(config, clock, outbound);
  return new PhotoChecker(config, clock, asker, allow, new HostPaces(clock), lanes);
}

const drawing = sharp({
  create: {
    width: 400,
    height: 400,
    channels: 3,
    background: 'grey',
    noise: { type: 'gaussian', mean: 128, sigma: 60 },
  },
});
export const JPEG = await drawing.jpeg({ quality: 95 }).toBuffer();

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export const IMAGE = { 'content-type': 'image/jpeg' };
export const photo: Handler = (_request, response) => {
  response.writeHead(200, { ...IMAGE, 'content-length': JPEG.length }).end(JPEG);
};
/** Answers as many CDNs do: no HEAD, GET only. */
export const getOnly =
  (get: Handler): Handler =>
  (request, response) => {
    if (request.method === 'HEAD') response.writeHead(405).end();
    else get(request, response);
  };
