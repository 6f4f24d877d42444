import { describe, expect, it } from 'vitest';
import type { AppConfig } from '../../src/config/app-config.js';
import type { LotPhotos, PhotoLane } from '../../src/images/photo-check.js';
import { AllowList } from '../../src/outbound/address-rules.js';
import { OutboundClient, type OutboundRequest, type OutboundResponse } from '../../src/outbound/outbound-client.js';
import { OutboundError, type OutboundErrorFacts, type OutboundErrorKind } from '../../src/outbound/outbound-error.js';
import { unusedPort } from '../outbound/loopback.js';
import { StubResolver } from '../outbound/stub-resolver.js';
import { assembled, checkerFor, hurriedClock } from './photo-host.js';

const URL_OF_PHOTO = 'https://cdn.example.com/1.jpg';

type Answer = Partial<OutboundResponse> | OutboundError;

/** A host on the internet, which no test can have: only what it answers is scripted. */
class PublicHost extends OutboundClient {
  constructor(private readonly answer: (request: OutboundRequest) => Answer) {
    super(AllowList.parse([]), new StubResolver());
  }

  override request(_url: string, request: OutboundRequest): Promise<OutboundResponse> {
    const answer = this.answer(request);
    if (answer instanceof OutboundError) return Promise.reject(answer);
    const body = Buffer.from('<!doctype html>');
    const facts = { remoteAddress: '93.184.216.34', viaAllowList: false };
    const whole = { status: 200, headers: {}, body, bodyEnd: 'complete' } as const;
    return Promise.resolve({ ...whole, ...facts, ...answer });
  }
}

async function photosOf(answer: Answer, lane: PhotoLane = 'sync'): Promise<LotPhotos> {
  const images = { maxBytes: 1000, headTimeoutSeconds: 1, getTimeoutSeconds: 1, maxUnreachable: 0.3 };
  // HEAD leaves the judgement to GET, which is what the answer is for.
  const host = new PublicHost(({ method }) =>
    method === 'HEAD' && !(answer instanceof OutboundError) ? { ...answer, status: 405 } : answer,
  );
  const checker = assembled({ images } as AppConfig, hurriedClock(), host, AllowList.parse([]));
  return checker.checkLot([URL_OF_PHOTO], { lane });
}

const failed = (kind: OutboundErrorKind, facts: Partial<OutboundErrorFacts> = {}): OutboundError =>
  new OutboundError(kind, { maySeen: false, ...facts });

// Faked: the host's answers, because reasons are for hosts that OUTBOUND_ALLOW does not name, and tests have none.
describe('a photo that is not there has a reason', () => {
  it.each<[string, string, Answer]>([
    ['404', 'not_found', { status: 404 }],
    ['410', 'not_found', { status: 410 }],
    ['401', 'refused', { status: 401 }],
    ['403', 'refused', { status: 403 }],
    ['400', 'refused', { status: 400 }],
    ['451', 'refused', { status: 451 }],
    ['429', 'host_busy', { status: 429 }],
    ['503', 'host_busy', { status: 503 }],
    ['500', 'host_busy', { status: 500 }],
    ['a page', 'not_a_photo', { status: 200, headers: { 'content-type': 'text/html' } }],
    ['nothing', 'not_a_photo', { status: 200, body: Buffer.alloc(0) }],
    ['a length over the limit', 'too_large', { headers: { 'content-type': 'image/jpeg', 'content-length': '1001' } }],
    [
      'an answer that breaks off',
      'timeout',
      { headers: { 'content-type': 'image/jpeg' }, bodyEnd: 'reset', body: Buffer.alloc(0) },
    ],
    ['a refused connection', 'timeout', failed('connect')],
    ['a broken connection', 'timeout', failed('reset')],
    ['a bad certificate', 'timeout', failed('tls')],
    ['silence', 'timeout', failed('timeout')],
    ['a name without address', 'dns', failed('dns', { unknownName: true })],
    ['a resolver that fails', 'dns', failed('dns')],
    ['a forbidden address', 'dns', failed('refused', { reason: 'resolved_address' })],
    ['a redirect in a circle', 'refused', failed('redirect')],
    ['what is no HTTP', 'not_a_photo', failed('invalid_response')],
    ['404 from a listed host', 'unreachable', { status: 404, viaAllowList: true }],
    ['a listed host that is down', 'unreachable', failed('connect', { viaAllowList: true })],
  ])('a photo that is not there for %s has the reason %s', async (_case, reason, answer) => {
    expect((await photosOf(answer)).missing).toEqual([{ url: URL_OF_PHOTO, reason }]);
  });

  it('a photo of a host that OUTBOUND_ALLOW names shows no reason, also where it does not even answer', async () => {
    const url = `http://127.0.0.1:${await unusedPort()}/1.jpg`;
    expect((await checkerFor().checkLot([url])).missing).toEqual([{ url, reason: 'unreachable' }]);
  });

  it.each([
    ['a name without address', failed('dns', { unknownName: true }), true],
    ['a resolver that fails', failed('dns'), false],
  ])('a batch takes %s for final only where the name has no address', async (_case, answer, final) => {
    const { missing, open } = await photosOf(answer, 'batch');
    expect([missing.length, open.length]).toEqual(final ? [1, 0] : [0, 1]);
  });
});
