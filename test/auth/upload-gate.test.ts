import { describe, expect, it } from 'vitest';
import { addressGroup, claimKey, type Claim, type Claimant } from '../../src/auth/admission/claimant.js';
import { UploadGate } from '../../src/auth/upload-gate.js';
import { ServiceError } from '../../src/common/service-error.js';
import { authConfig, codeOf, heldClock } from './auth-support.js';
import type { FakeClock } from '../support/fake-clock.js';
import { freeIn, type Free } from '../support/free-in-gate.js';

const MIB = 1024 * 1024;
/** Of eight places. */
const FOR_STRANGERS = 6;

function gate(environment: Record<string, string> = {}): { uploads: UploadGate; clock: FakeClock } {
  const clock = heldClock();
  const settings = { MAX_UPLOADS: '8', SPOOL_MAX_BYTES: String(MIB), ...environment };
  return { uploads: new UploadGate(authConfig(settings), clock), clock };
}

function from(address: string, claim: Claim = 'v1'): Claimant {
  return { address, key: claimKey(address, claim), peer: null };
}

function retryAfter(work: () => unknown): number {
  try {
    work();
  } catch (error) {
    if (error instanceof ServiceError) return Number(error.headers['Retry-After']);
  }
  throw new Error('nothing was refused');
}

/** All that there is in the gate of these tests. */
const ALL: Free = { strangers: FOR_STRANGERS, known: 8 - FOR_STRANGERS, spool: MIB, memory: [true, true] };

describe('uploads that are not yet proven', () => {
  it('the gate of unproven uploads lets one address use what is free, but no more than its share once the gate is busy', () => {
    const { uploads } = gate();
    for (let count = 0; count < 4; count++) uploads.admit(from('192.0.2.1'));
    expect(codeOf(() => uploads.admit(from('192.0.2.1')))).toBe('RATE_LIMITED');
    expect(retryAfter(() => uploads.admit(from('192.0.2.1')))).toBeGreaterThan(0);
    uploads.admit(from('192.0.2.2'));
    uploads.admit(from('192.0.2.2'));
    expect(codeOf(() => uploads.admit(from('192.0.2.2')))).toBe('RATE_LIMITED');
  });

  it('the gate of unproven uploads does not count unsigned uploads against signed ones from the same address', () => {
    const { uploads } = gate();
    for (let count = 0; count < 4; count++) uploads.admit(from('192.0.2.1', 'body'));
    expect(codeOf(() => uploads.admit(from('192.0.2.1', 'body')))).toBe('RATE_LIMITED');
    uploads.admit(from('192.0.2.1', 'v1'));
  });

  it('the gate of unproven uploads is full for strangers at 750 of them, however many places there are', () => {
    const { uploads } = gate({ MAX_UPLOADS: '2000' });
    for (let count = 0; count < 750; count++) uploads.admit(from(`10.0.${count >> 8}.${count & 255}`));
    expect(codeOf(() => uploads.admit(from('198.51.100.1')))).toBe('SERVICE_UNAVAILABLE');
  });

  it('the gate of unproven uploads is full for strangers while a quarter is kept for who signed rightly before', () => {
    const { uploads } = gate();
    uploads.admit(from('192.0.2.100', 'v1')).proven();
    for (let count = 0; count < FOR_STRANGERS; count++) uploads.admit(from(`192.0.2.${count}`));
    expect(codeOf(() => uploads.admit(from('198.51.100.1')))).toBe('SERVICE_UNAVAILABLE');
    expect(retryAfter(() => uploads.admit(from('198.51.100.1')))).toBeGreaterThan(0);
    // It may sign in any way.
    uploads.admit(from('192.0.2.100', 'v1'));
    uploads.admit(from('192.0.2.100', 'body'));
    expect(codeOf(() => uploads.admit(from('192.0.2.100', 'header')))).toBe('SERVICE_UNAVAILABLE');
  });

  it('the gate of unproven uploads refuses a newcomer by its headers alone while others wait for the place that is free', () => {
    const { uploads, clock } = gate();
    const inside = Array.from({ length: FOR_STRANGERS }, (_, count) => uploads.admit(from(`192.0.2.${count}`)));
    const waiting = from('198.51.100.1');
    for (let tries = 0; tries < 2; tries++) {
      expect(uploads.refusal(waiting)?.code).toBe('SERVICE_UNAVAILABLE');
      clock.advance(2000);
    }
    inside[0]?.release();
    expect(uploads.refusal(from('203.0.113.1'))?.code).toBe('SERVICE_UNAVAILABLE');
    expect(uploads.refusal(waiting)).toBeNull();
  });

  it('the gate of unproven uploads forgets the good standing of a claim whose upload failed', () => {
    const { uploads } = gate();
    uploads.admit(from('192.0.2.100')).proven();
    uploads.admit(from('192.0.2.100', 'body')).failed();
    for (let count = 0; count < FOR_STRANGERS; count++) uploads.admit(from(`192.0.2.${count}`));
    expect(codeOf(() => uploads.admit(from('192.0.2.100', 'body')))).not.toBe('accepted');
    uploads.admit(from('192.0.2.100', 'v1'));
  });

  it('the gate of unproven uploads counts an upload until it is proven or released, once', () => {
    const { uploads } = gate();
    const [first, second] = [uploads.admit(from('192.0.2.1')), uploads.admit(from('192.0.2.1'))];
    first.proven();
    first.proven();
    first.release();
    expect(freeIn(uploads)).toEqual({ ...ALL, strangers: FOR_STRANGERS - 1 });
    second.release();
    second.release();
    expect(freeIn(uploads)).toEqual(ALL);
    // Its address may have a whole share again.
    for (let count = 2; count < 5; count++) uploads.admit(from(`192.0.2.${count}`));
    for (let count = 0; count < 2; count++) uploads.admit(from('192.0.2.1'));
    expect(codeOf(() => uploads.admit(from('192.0.2.1')))).toBe('RATE_LIMITED');
  });

  it('the gate of unproven uploads also counts by the address of the connection when TRUST_PROXY=true', () => {
    const { uploads } = gate({ TRUST_PROXY: 'true' });
    const forged = (count: number) => ({ ...from(`192.0.2.${count}`), peer: '198.51.100.7' });
    for (let count = 0; count < 4; count++) uploads.admit(forged(count));
    expect(codeOf(() => uploads.admit(forged(4)))).toBe('RATE_LIMITED');
    uploads.admit({ ...from('192.0.2.99'), peer: '198.51.100.8' });
  });

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:db8:1:3::1', '2001:db8:1:3'],
    [undefined, 'unknown'],
    ['nonsense', 'unknown'],
  ])('the address %s counts as %s at the gate of unproven uploads', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});

describe('what unproven uploads hold', () => {
  it('what unproven uploads hold is half of the spool at most, so that those who are proven have room', () => {
    const { uploads } = gate();
    const [first, second, known] = [1, 2, 3].map((count) => uploads.admit(from(`192.0.2.${count}`)));
    known?.proven();
    first?.take(MIB / 2);
    expect(codeOf(() => second?.take(1))).toBe('SERVICE_UNAVAILABLE');
    known?.take(MIB / 2);
    expect(codeOf(() => known?.take(1))).toBe('SERVICE_UNAVAILABLE');
    first?.give(10);
    second?.take(10);
    second?.give(1000);
    expect(freeIn(uploads).spool).toBe(10);
    for (const upload of [first, second, known]) upload?.release();
    expect(freeIn(uploads)).toEqual(ALL);
  });

  it('what unproven uploads hold moves out of the share of strangers with the proof', () => {
    const { uploads } = gate();
    const [first, second] = [uploads.admit(from('192.0.2.1')), uploads.admit(from('192.0.2.2'))];
    first.take(MIB / 2);
    first.proven();
    second.take(MIB / 2);
    first.release();
    second.release();
    expect(freeIn(uploads)).toEqual(ALL);
  });

  it('what unproven uploads hold is for one address no more than a quarter of that, once half is taken', () => {
    const { uploads } = gate();
    const [first, second] = [uploads.admit(from('192.0.2.1')), uploads.admit(from('192.0.2.2'))];
    first.take(MIB / 4);
    expect(codeOf(() => first.take(1))).toBe('SERVICE_UNAVAILABLE');
    second.take(MIB / 8);
    expect(codeOf(() => second.take(1))).toBe('SERVICE_UNAVAILABLE');
  });

  it('what unproven uploads hold is memory while there is some, for strangers and apart from them for those who are known', () => {
    const { uploads } = gate({ MAX_UPLOADS: '1000' });
    uploads.admit(from('198.51.100.1')).proven();
    const strangers = Array.from({ length: 20 }, (_, count) => uploads.admit(from(`192.0.2.${count}`)));
    const granted = strangers.filter((upload) => upload.takeMemory(MIB));
    expect(granted).toHaveLength(16);
    const known = uploads.admit(from('198.51.100.1'));
    expect(known.takeMemory(MIB)).toBe(true);
    expect(freeIn(uploads).memory).toEqual([false, false]);
    for (const upload of [...strangers, known]) upload.release();
    expect(freeIn(uploads)).toEqual({ ...ALL, strangers: 750, known: 250 });
  });
});

describe('an upload that comes too slowly', () => {
  /** Lets an upload in that gets `bytesPerSecond` each second. @returns the second in which it is cut */
  function cutAfter(seconds: number, bytesPerSecond: number): number | null {
    const { uploads, clock } = gate();
    const upload = uploads.admit(from('192.0.2.1'));
    let cut: ServiceError | undefined;
    upload.cut = (error) => (cut = error);
    for (let second = 1; second <= seconds; second++) {
      clock.advance(1000);
      if (bytesPerSecond > 0) upload.received(bytesPerSecond);
      uploads.sweep();
      if (cut !== undefined) {
        expect(cut.headers).toHaveProperty('Retry-After');
        expect(freeIn(uploads)).toEqual(ALL);
        return second;
      }
    }
    return null;
  }

  it.each([
    ['nothing', 0, 11],
    ['a byte a second', 1, 11],
    ['20 KB a second', 20_000, 26],
  ])('an upload that comes too slowly is cut after some seconds: %s', (_name, bytesPerSecond, second) => {
    const at = cutAfter(600, bytesPerSecond);
    expect(at).not.toBeNull();
    expect(at).toBeLessThanOrEqual(second + 1);
  });

  it('an upload of 64 KB a second is not cut for slowness', () => {
    expect(cutAfter(590, 64_000)).toBeNull();
  });

  it('an upload is not cut while its bytes wait for us, or once all of it has arrived', () => {
    const { uploads, clock } = gate();
    const [held, arrived] = [uploads.admit(from('192.0.2.1')), uploads.admit(from('192.0.2.2'))];
    let cuts = 0;
    held.cut = () => cuts++;
    arrived.cut = () => cuts++;
    held.hold();
    arrived.arrived = true;
    clock.advance(100_000);
    uploads.sweep();
    held.resume();
    uploads.sweep();
    expect(cuts).toBe(0);
    clock.advance(11_000);
    uploads.sweep();
    expect(cuts).toBe(1);
  });

  it('an upload that comes too slowly makes its claimant wait longer each time, while the gate is busy', () => {
    const { uploads, clock } = gate();
    const waits: number[] = [];
    for (let count = 0; count < 4; count++) uploads.admit(from(`192.0.2.${count}`)).received(1e9);
    for (let round = 0; round < 3; round++) {
      const upload = uploads.admit(from('198.51.100.1'));
      upload.failed();
      waits.push(retryAfter(() => uploads.admit(from('198.51.100.1'))));
      clock.advance((waits.at(-1) as number) * 1000);
    }
    expect(waits).toEqual([2, 4, 8]);
  });

  it('an upload that comes too slowly has its time when others wait, and is displaced after it', () => {
    const { uploads, clock } = gate();
    const displaced: number[] = [];
    for (let count = 0; count < FOR_STRANGERS; count++) {
      const upload = uploads.admit(from(`192.0.2.${count}`));
      upload.received(1e9);
      upload.cut = () => displaced.push(count);
    }
    clock.advance(59_000);
    expect(codeOf(() => uploads.admit(from('198.51.100.1')))).toBe('SERVICE_UNAVAILABLE');
    expect(displaced).toEqual([]);
    clock.advance(3000);
    expect(codeOf(() => uploads.admit(from('198.51.100.1')))).toBe('SERVICE_UNAVAILABLE');
    expect(displaced).toEqual([0]);
  });
});
