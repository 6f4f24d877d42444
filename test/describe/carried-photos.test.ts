import { describe, expect, it } from 'vitest';
import { CarriedPhotos } from '../../src/describe/carried-photos.js';
import type { PhotoCarrier } from '../../src/images/photo-carrier.js';
import { Slots } from '../../src/common/slots.js';
import type { CallLimits } from '../../src/openai/retry.js';

const KEPT = 4;

/** Room for four photos of one byte each; what is fetched is noted. */
function room() {
  const fetched: string[] = [];
  const kept = new Slots(KEPT);
  const carrier = {
    kept,
    mostBytes: () => 1,
    mostPhotos: () => KEPT,
    carry: (url: string) => {
      fetched.push(url);
      return Promise.resolve(
        url === 'bad' ? { ok: false, problem: 'not_a_photo' } : { ok: true, dataUrl: `data:${url}`, bytes: 1 },
      );
    },
  } as unknown as PhotoCarrier;
  const lot = (limits: CallLimits = { deadlineAt: Number.MAX_SAFE_INTEGER }, now = () => limits.deadlineAt - 600_000) =>
    new CarriedPhotos(carrier, 512, limits, now);
  return { kept, fetched, lot };
}

describe('the carried photos of a lot', () => {
  it('the carried photos of a lot take room for what they are, and give it back', async () => {
    const { kept, lot } = room();
    const photos = lot();
    expect(await photos.carry(['a', 'bad', 'b'])).toEqual(new Map([['bad', 'not_a_photo']]));
    expect([photos.sentAs('a'), photos.sentAs('bad')]).toEqual(['data:a', 'bad']);
    expect(kept.inUse).toBe(2);
    photos.release();
    expect([kept.inUse, photos.has('a')]).toEqual([0, false]);
  });

  it('carried photos never take more than there is room for', async () => {
    const { kept, lot } = room();
    const photos = lot();
    expect(await photos.carry(['a', 'b', 'c', 'd', 'e'])).toEqual(new Map([['e', 'no_room']]));
    expect(await photos.carry(['f'])).toEqual(new Map([['f', 'no_room']]));
    expect(kept.inUse).toBe(KEPT);
  });

  it('two lots that both need more carried photos never wait for each other', async () => {
    const { kept, fetched, lot } = room();
    const [first, second] = [lot(), lot()];
    await first.carry(['1a', '1b']);
    await second.carry(['2a', '2b']);
    const more = second.carry(['2c']);
    const rest = first.carry(['1c']);
    // The lot that is served first frees its memory when its call is over.
    await Promise.race([more.then(() => second), rest.then(() => first)]).then((served) => {
      expect(kept.inUse).toBe(3);
      expect(served.has(served === first ? '1c' : '2c')).toBe(true);
      served.release();
    });
    await Promise.all([more, rest]);
    expect(kept.inUse).toBe(3);
    // The photos that were dropped for the wait were fetched again.
    expect(fetched.filter((url) => url === '2a')).toHaveLength(2);
  });

  it('a lot waits for room to carry photos no longer than it may', async () => {
    const { lot } = room();
    const holder = lot();
    await holder.carry(['a', 'b', 'c', 'd']);
    await expect(lot({ deadlineAt: 5 }, () => 5).carry(['e'])).rejects.toMatchObject({ code: 'OPENAI_TIMEOUT' });
    const caller = new AbortController();
    const waiting = lot({ deadlineAt: Number.MAX_SAFE_INTEGER, signal: caller.signal }, () => Date.now()).carry(['e']);
    caller.abort(new Error('hung up'));
    await expect(waiting).rejects.toThrow('hung up');
  });
});
