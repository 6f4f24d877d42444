import { describe, expect, it } from 'vitest';
import { WeightedSlots } from '../../src/images/weighted-slots.js';

describe('weighted slots', () => {
  it('weighted slots never hold more than there is, and serve a heavy waiter before the light ones behind it', async () => {
    const slots = new WeightedSlots(10);
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

  it('weighted slots forget a waiter whose signal is raised, and let the next one in', async () => {
    const slots = new WeightedSlots(2);
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

  it('weighted slots refuse what there will never be', async () => {
    await expect(new WeightedSlots(2).take(3)).rejects.toThrow(RangeError);
  });
});
