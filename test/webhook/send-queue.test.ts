import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SendQueue, type Queued } from '../../src/webhook/send-queue.js';

const queued = (origin: string, bytes = 1, slots = 2): Queued => ({ keyId: 'default', origin, bytes, slots });
const drain = (queue: SendQueue<Queued>) => {
  const taken: Queued[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) taken.push(next);
  return taken;
};

describe('the send queue', () => {
  it('the send queue lets receivers take turns, each within its own slots', () => {
    const queue = new SendQueue<Queued>({ requests: 100, bytes: 1000 });
    for (let i = 0; i < 5; i++) queue.add(queued('slow'));
    queue.add(queued('fast'));
    expect(drain(queue).map(({ origin }) => origin)).toEqual(['slow', 'fast', 'slow']);
    expect(queue.waiting).toBe(3);
  });

  it('the send queue lets no receiver hold more than a quarter of the bytes, but always one body', () => {
    const queue = new SendQueue<Queued>({ requests: 100, bytes: 100 });
    for (let i = 0; i < 3; i++) queue.add(queued('big', 20, 10));
    queue.add(queued('huge', 500, 10));
    const [first] = drain(queue);
    expect(first).toMatchObject({ origin: 'big' });
    queue.finish(first as Queued);
    expect(drain(queue).map(({ origin }) => origin)).toEqual(['huge']);
  });

  it('the send queue gives back what is no longer wanted', () => {
    const queue = new SendQueue<Queued>({ requests: 100, bytes: 1000 });
    for (let i = 0; i < 5; i++) queue.add(queued('down'));
    queue.add(queued('well'));
    expect(queue.remove(({ origin }) => origin === 'down')).toHaveLength(5);
    expect(drain(queue).map(({ origin }) => origin)).toEqual(['well']);
  });

  it('the send queue never exceeds a limit and sends all, in any order of ends', () => {
    const delivery = fc.record({
      keyId: fc.constant('default'),
      origin: fc.constantFrom('a', 'b', 'c', 'd'),
      bytes: fc.integer({ min: 1, max: 60 }),
      slots: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(delivery), fc.infiniteStream(fc.nat()), (deliveries, choices) => {
        const queue = new SendQueue<Queued>({ requests: 6, bytes: 100 });
        for (const each of deliveries) queue.add(each);
        const active: Queued[] = [];
        let sent = 0;
        for (;;) {
          active.push(...drain(queue));
          if (active.length === 0) break;
          expect(active.length).toBeLessThanOrEqual(6);
          expect(queue.active).toBe(active.length);
          const bytes = active.reduce((sum, each) => sum + each.bytes, 0);
          expect(bytes <= 100 || active.length === 1).toBe(true);
          const index = (choices.next().value as number) % active.length;
          queue.finish(active.splice(index, 1)[0] as Queued);
          sent += 1;
        }
        expect(sent).toBe(deliveries.length);
        expect(queue.waiting).toBe(0);
      }),
    );
  });
});
