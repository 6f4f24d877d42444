import { describe, expect, it } from 'vitest';
import { Slots } from '../../src/common/slots.js';

describe('slots', () => {
  it('Slots never give more than there is, and serve a heavy waiter before the light ones behind it', async () => {
    const slots = new Slots(10);
    const order: string[] = [];
    await slots.take(7);
    const heavy = slots.take(9).then(() => order.push('heavy'));
    const light = slots.take(1).then(() => order.push('light'));
    // There is room for the light one, but it would keep the heavy one waiting.
    expect(slots.tryTake(1)).toBe(false);
    expect(slots.inUse).toBe(7);
    slots.give(7);
    await Promise.all([heavy, light]);
    expect(order).toEqual(['heavy', 'light']);
    expect(slots.inUse).toBe(10);
  });

  it('Slots forget a waiter whose signal is raised, and let the next one in', async () => {
    const slots = new Slots(2);
    await slots.take(1);
    const given = new AbortController();
    const gone = slots.take(2, given.signal);
    const next = slots.take(1);
    given.abort(new Error('hung up'));
    await expect(gone).rejects.toThrow('hung up');
    await next;
    expect(slots.inUse).toBe(2);
    await expect(slots.take(1, given.signal)).rejects.toThrow('hung up');
  });

  it('Slots refuse more than there will ever be', async () => {
    await expect(new Slots(2).take(3)).rejects.toThrow(RangeError);
  });

  it('Slots let as much work run at once as allowed, in order, and go on after a failure', async () => {
    const slots = new Slots(2);
    const ends: ((error?: Error) => void)[] = [];
    const started: number[] = [];
    const work = (index: number) =>
      slots.run(() => {
        started.push(index);
        return new Promise<number>((resolve, reject) => {
          ends[index] = (error) => (error === undefined ? resolve(index) : reject(error));
        });
      });
    const all = Promise.allSettled([work(0), work(1), work(2), work(3)]);
    await Promise.resolve();
    expect(started).toEqual([0, 1]);
    const failed = new Promise((resolve) => setImmediate(resolve));
    ends[1]?.(new Error('broken'));
    await failed;
    expect(started).toEqual([0, 1, 2]);
    ends[0]?.();
    ends[2]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toEqual([0, 1, 2, 3]);
    ends[3]?.();
    expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  });
});
