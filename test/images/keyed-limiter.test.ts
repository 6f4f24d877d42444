import { describe, expect, it } from 'vitest';
import { KeyedLimiter } from '../../src/images/keyed-limiter.js';

/** Work that the test ends when it likes. */
class Desk {
  running: string[] = [];
  readonly started: string[] = [];
  most = 0;
  private readonly doors = new Map<string, () => void>();

  work(name: string): () => Promise<string> {
    return async () => {
      this.started.push(name);
      this.running.push(name);
      this.most = Math.max(this.most, this.running.length);
      await new Promise<void>((resolve) => this.doors.set(name, resolve));
      this.running = this.running.filter((other) => other !== name);
      return name;
    };
  }

  end(name: string): void {
    this.doors.get(name)?.();
  }
}

/** Lets everything that can go on do so. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('KeyedLimiter', () => {
  it('KeyedLimiter bounds each key, and work that waits for its key holds nothing of the whole', async () => {
    const desk = new Desk();
    const limiter = new KeyedLimiter(3, () => 2);
    const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2'].map((name) =>
      limiter.run(name.charAt(0), undefined, desk.work(name)),
    );
    await settled();
    expect(desk.started).toEqual(['a1', 'a2', 'b1']);
    desk.end('b1');
    await settled();
    expect(desk.started).toEqual(['a1', 'a2', 'b1', 'b2']);
    for (const name of ['a1', 'a2', 'b2', 'a3', 'a4']) {
      desk.end(name);
      await settled();
    }
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'a4', 'b1', 'b2']);
    expect(desk.most).toBe(3);
    expect(limiter['byKey'].size).toBe(0);
  });

  it('KeyedLimiter frees its slots when work fails', async () => {
    const limiter = new KeyedLimiter(1, () => 1);
    await expect(limiter.run('a', undefined, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await limiter.run('a', undefined, () => Promise.resolve('next'))).toBe('next');
    expect(limiter['byKey'].size).toBe(0);
  });

  it('KeyedLimiter lets waiters leave, for their key and for the whole, without losing a slot', async () => {
    const desk = new Desk();
    const limiter = new KeyedLimiter(1, () => 1);
    const first = limiter.run('a', undefined, desk.work('a1'));
    const leave = new AbortController();
    const sameKey = limiter.run('a', leave.signal, desk.work('a2'));
    const otherKey = limiter.run('b', leave.signal, desk.work('b1'));
    const last = limiter.run('b', undefined, desk.work('b2'));
    await settled();
    leave.abort(new Error('gone'));
    await expect(sameKey).rejects.toThrow('gone');
    await expect(otherKey).rejects.toThrow('gone');
    await expect(limiter.run('c', leave.signal, desk.work('c1'))).rejects.toThrow('gone');
    desk.end('a1');
    await settled();
    desk.end('b2');
    expect(await Promise.all([first, last])).toEqual(['a1', 'b2']);
    expect(desk.started).toEqual(['a1', 'b2']);
    expect(limiter['byKey'].size).toBe(0);
  });
  it('KeyedLimiter follows a bound that changes, and sends waiters away when it is told to', async () => {
    let most = 1;
    const desk = new Desk();
    const limiter = new KeyedLimiter(9, () => most);
    const all = ['1', '2', '3', '4', '5'].map((name) => limiter.run('a', undefined, desk.work(name)));
    await settled();
    expect(desk.started).toEqual(['1']);
    most = 3;
    desk.end('1');
    await settled();
    expect(desk.started).toEqual(['1', '2', '3', '4']);
    most = 1;
    for (const name of ['2', '3']) desk.end(name);
    await settled();
    // Three were let in. No other is let in until two of them are gone.
    expect(desk.running).toEqual(['4']);
    limiter.sendAway('a');
    desk.end('4');
    expect(await Promise.all(all)).toEqual(['1', '2', '3', '4', null]);
    expect(limiter['byKey'].size).toBe(0);
  });
});
