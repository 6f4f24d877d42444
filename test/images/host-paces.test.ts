import { describe, expect, it } from 'vitest';
import { HostPaces, LONGEST_REST_MS, MOST_AT_ONCE } from '../../src/images/host-paces.js';
import { FakeClock } from '../support/fake-clock.js';

const BUSY = { reason: 'host_busy', retryAfterMs: 0 } as const;

function setUp() {
  const clock = new FakeClock();
  const paces = new HostPaces(clock);
  /** As many side by side, all told "not now". */
  const epoch = (host: string, requests = 1, retryAfterMs = 0): void => {
    const begun = Array.from({ length: requests }, () => paces.begin(host));
    clock.advance(1);
    for (const at of begun) paces.notNow(host, at, { ...BUSY, retryAfterMs });
  };
  return { clock, paces, epoch };
}

describe('the pace of a photo host', () => {
  it('the pace of a photo host is halved by a "not now", once for all that ran side by side, and grows with answers', () => {
    const { clock, paces, epoch } = setUp();
    expect(paces.limit('a')).toBe(MOST_AT_ONCE);
    epoch('a', 20);
    expect(paces.limit('a')).toBe(10);
    clock.advance(1000);
    for (let n = 0; n < 10; n++) {
      paces.begin('a');
      paces.answered('a');
    }
    expect(paces.limit('a')).toBe(10);
    for (let n = 0; n < 2; n++) paces.answered('a');
    expect(paces.limit('a')).toBe(11);
    expect(paces.limit('b')).toBe(MOST_AT_ONCE);
  });

  it('the pace of a photo host is one request at a time where nothing is answered between two of them', () => {
    const { clock, paces, epoch } = setUp();
    epoch('a', 32);
    clock.advance(1000);
    epoch('a', 16);
    expect(paces.limit('a')).toBe(1);
  });

  it('a host that says "not now" rests after each, twice as long, up to five minutes, and not any more after an answer', () => {
    const { clock, paces, epoch } = setUp();
    const rests: number[] = [];
    for (let n = 0; n < 13; n++) {
      epoch('a');
      rests.push((paces.restingUntil('a') ?? 0) - clock.now());
      clock.advance(LONGEST_REST_MS);
      expect(paces.restingUntil('a')).toBeNull();
    }
    expect(rests.slice(0, 4)).toEqual([250, 500, 1000, 2000]);
    expect(rests.at(-1)).toBe(LONGEST_REST_MS);
    epoch('a');
    paces.answered('a');
    expect(paces.restingUntil('a')).toBeNull();
    epoch('a');
    expect(paces.restingUntil('a')).toBe(clock.now() + 250);
  });

  it('a host rests longer after a "not now" that was long in coming', () => {
    const { clock, paces } = setUp();
    const begun = paces.begin('a');
    expect(paces.hangs('a')).toBe(false);
    clock.advance(8000);
    paces.notNow('a', begun, { reason: 'timeout', retryAfterMs: 0 });
    expect([paces.hangs('a'), paces.restingUntil('a')]).toEqual([true, clock.now() + 4000]);
    paces.answered('a');
    expect(paces.hangs('a')).toBe(false);
  });

  it('the pace of a photo host keeps what it asks for, which an answer to another request does not end', () => {
    const { clock, paces, epoch } = setUp();
    epoch('a', 1, 7000);
    paces.answered('a');
    expect(paces.restingUntil('a')).toBe(clock.now() + 7000);
    expect(paces.restingUntil('a', true)).toBe(clock.now() + 7000);
    epoch('b');
    expect(paces.restingUntil('b', true)).toBeNull();
    epoch('c', 1, 24 * 3_600_000);
    expect(paces.restingUntil('c')).toBe(clock.now() + 20 * 60_000);
  });

  it('the pace of a photo host remembers for twenty minutes that it answered, and what its last "not now" was', () => {
    const { clock, paces } = setUp();
    expect(paces.answersLately('a')).toBe(false);
    paces.answered('a');
    expect(paces.answersLately('a')).toBe(true);
    clock.advance(20 * 60_000);
    expect(paces.answersLately('a')).toBe(false);
    paces.notNow('a', paces.begin('a'), { reason: 'timeout', retryAfterMs: 0 });
    expect(paces.reason('a')).toBe('timeout');
  });

  it('the pace of a photo host forgets the host that was not asked for longest when there are too many', () => {
    const { paces, epoch } = setUp();
    epoch('eldest');
    epoch('younger');
    for (let n = 0; n < 9_999; n++) paces.begin(`h${n}`);
    expect(paces.restingUntil('eldest')).toBeNull();
    expect(paces.restingUntil('younger')).not.toBeNull();
  });
});
