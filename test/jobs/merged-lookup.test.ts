import { describe, expect, it } from 'vitest';
import { MergedLookup } from '../../src/jobs/merged-lookup.js';

interface Statement {
  readonly keys: string[];
  answer(values: Record<string, number>): void;
  fail(error: Error): void;
}

/** A store whose statements are answered by hand; `next()` waits for the next one. */
function heldStore() {
  const statements: Statement[] = [];
  const waiting: ((statement: Statement) => void)[] = [];
  return {
    read: (keys: string[]) =>
      new Promise<Map<string, number>>((resolve, reject) => {
        const statement: Statement = {
          keys,
          answer: (values) => resolve(new Map(Object.entries(values))),
          fail: reject,
        };
        const taker = waiting.shift();
        if (taker === undefined) statements.push(statement);
        else taker(statement);
      }),
    next: () =>
      new Promise<Statement>((resolve) => {
        const statement = statements.shift();
        if (statement === undefined) waiting.push(resolve);
        else resolve(statement);
      }),
  };
}

describe('MergedLookup', () => {
  it('MergedLookup asks once for all that was asked in one turn, each key once', async () => {
    const store = heldStore();
    const lookup = new MergedLookup(store.read);
    const answers = Promise.all([lookup.get('a'), lookup.get('b'), lookup.get('a'), lookup.get('none')]);
    const statement = await store.next();
    expect(statement.keys).toEqual(['a', 'b', 'none']);
    statement.answer({ a: 1, b: 2 });
    await expect(answers).resolves.toEqual([1, 2, 1, undefined]);
  });

  it('MergedLookup never answers from a statement that was under way before', async () => {
    const store = heldStore();
    const lookup = new MergedLookup(store.read, 1);
    const before = lookup.get('a');
    const first = await store.next();
    const after = lookup.get('a');
    first.answer({ a: 1 });
    await expect(before).resolves.toBe(1);
    const second = await store.next();
    second.answer({ a: 2 });
    await expect(after).resolves.toBe(2);
  });

  it('MergedLookup merges what waits while its statements are all busy', async () => {
    const store = heldStore();
    const lookup = new MergedLookup(store.read, 1);
    const a = lookup.get('a');
    const first = await store.next();
    const rest = Promise.all(['b', 'c', 'd'].map((key) => lookup.get(key)));
    first.answer({ a: 1 });
    await a;
    const second = await store.next();
    expect(second.keys).toEqual(['b', 'c', 'd']);
    second.answer({ b: 2, c: 3, d: 4 });
    await expect(rest).resolves.toEqual([2, 3, 4]);
  });

  it('MergedLookup passes a failure to those that it concerns and goes on', async () => {
    const store = heldStore();
    const lookup = new MergedLookup(store.read, 1);
    const failing = Promise.allSettled([lookup.get('a'), lookup.get('b')]);
    (await store.next()).fail(new Error('away'));
    expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = lookup.get('a');
    (await store.next()).answer({ a: 1 });
    await expect(again).resolves.toBe(1);
  });
});
