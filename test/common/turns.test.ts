import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FIRST, type Rank, REFUSED, REST, Turns } from '../../src/common/connections/turns.js';
import { until } from '../generation/http-support.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Stops the clock, so that a turn takes exactly as long as a test says. */
function holdTime(): { spend: (ms: number) => void } {
  let now = 1000;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => clock.mockRestore());
  return { spend: (ms) => (now += ms) };
}

describe('turns of the event loop', () => {
  it('a turn of the event loop lets 64 connections read their first bytes or the rest of a request, and fewer of those that were refused', async () => {
    const turns = new Turns();
    const reads: Rank[] = [];
    for (const rank of [REFUSED, REST, FIRST] as const)
      for (let count = 0; count < 100; count++) turns.addReader({ read: () => reads.push(rank) }, rank);
    await nextTurn();
    expect([FIRST, REST, REFUSED].map((rank) => reads.filter((one) => one === rank).length)).toEqual([64, 64, 8]);
    expect(reads).toEqual(reads.toSorted((one, other) => one - other));
    await until(() => reads.length === 300);
  });

  it('turns of the event loop accept new connections first, until other work has waited for some time', async () => {
    const { spend } = holdTime();
    const turns = new Turns();
    let done = 0;
    const isFree: boolean[] = [];
    const another = { turn: () => (done += 1) > 0 && false };
    turns.crowd();
    turns.add(another, true);
    turns.addReader({ read: () => (done += 1) }, FIRST);
    isFree.push(turns.isFree);
    await nextTurn();
    expect(done).toBe(0);
    await nextTurn();
    expect(done).toBe(2);
    turns.add(another, false);
    while (done === 2) {
      turns.crowd();
      isFree.push(turns.isFree);
      spend(10);
      await nextTurn();
    }
    expect(isFree).toEqual([false, false, false, false]);
  });

  it('Turns are crowded for a moment by ten new connections at once, not by a few now and then', () => {
    const { spend } = holdTime();
    const turns = new Turns();
    // 150 a second.
    for (let count = 0; count < 30; count++) {
      turns.crowd();
      expect(turns.isCrowded).toBe(false);
      spend(7);
    }
    spend(50);
    for (let count = 0; count < 10; count++) turns.crowd();
    expect(turns.isCrowded).toBe(true);
    spend(50);
    expect(turns.isCrowded).toBe(false);
  });

  it('Turns tell that the process is overloaded while nothing was read from many connections', async () => {
    const turns = new Turns();
    for (let count = 0; count < 200; count++) turns.addReader({ read: () => undefined }, FIRST);
    expect(turns.isStrained).toBe(false);
    turns.addReader({ read: () => undefined }, FIRST);
    expect(turns.isStrained).toBe(true);
    await nextTurn();
    expect(turns.isStrained).toBe(false);
  });
});
