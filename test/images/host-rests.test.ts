import { describe, expect, it } from 'vitest';
import { Clock } from '../../src/common/clock.js';
import { FAILURES_TO_REST, HostRests, REST_MS } from '../../src/images/host-rests.js';

class HandClock extends Clock {
  at = 1_000_000;

  override now(): number {
    return this.at;
  }
}

function fail(rests: HostRests, host: string, times: number): void {
  for (let i = 0; i < times; i++) rests.failed(host);
}

describe('HostRests', () => {
  it('rests a host after twenty failures in a row, for five minutes', () => {
    const clock = new HandClock();
    const rests = new HostRests(clock);
    fail(rests, 'down.test', FAILURES_TO_REST - 1);
    expect(rests.restingUntil('down.test')).toBeNull();
    rests.failed('down.test');
    expect(rests.restingUntil('down.test')).toBe(clock.at + REST_MS);
    expect(rests.restingUntil('other.test')).toBeNull();
    clock.at += REST_MS;
    expect(rests.restingUntil('down.test')).toBeNull();
  });

  it('rests again at the first failure after a rest, and one answer forgets everything', () => {
    const clock = new HandClock();
    const rests = new HostRests(clock);
    fail(rests, 'down.test', FAILURES_TO_REST);
    clock.at += REST_MS;
    rests.failed('down.test');
    expect(rests.restingUntil('down.test')).toBe(clock.at + REST_MS);
    rests.answered('down.test');
    expect(rests.restingUntil('down.test')).toBeNull();
    fail(rests, 'down.test', FAILURES_TO_REST - 1);
    expect(rests.restingUntil('down.test')).toBeNull();
  });

  it('forgets the host that failed longest ago when there are too many', () => {
    const rests = new HostRests(new HandClock());
    fail(rests, 'eldest.test', FAILURES_TO_REST);
    fail(rests, 'younger.test', FAILURES_TO_REST);
    for (let i = 0; i < 9_999; i++) rests.failed(`h${i}.test`);
    expect(rests.restingUntil('eldest.test')).toBeNull();
    expect(rests.restingUntil('younger.test')).not.toBeNull();
  });
});
