import { describe, expect, it } from 'vitest';
import { SharedReads } from '../../src/jobs/shared-reads.js';

/** Reads that end when they are told to. */
function heldReads() {
  const begun: { answer(value: number): void; fail(error: Error): void }[] = [];
  const read = () =>
    new Promise<number>((resolve, reject) => {
      begun.push({ answer: resolve, fail: reject });
    });
  return { begun, read };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('reads that are shared', () => {
  it('reads that are shared run one at a time, and all who came meanwhile get the next one’s answer, never that of the one before them', async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<number>();
    const first = reads.get('list', read);
    const later = [reads.get('list', read), reads.get('list', read)];
    await settled();
    expect(begun).toHaveLength(1);
    begun[0]?.answer(1);
    expect(await first).toBe(1);
    await settled();
    expect(begun).toHaveLength(2);
    // Came after the second began: a third is read for it.
    const latest = reads.get('list', read);
    begun[1]?.answer(2);
    expect(await Promise.all(later)).toEqual([2, 2]);
    await settled();
    expect(begun).toHaveLength(3);
    begun[2]?.answer(3);
    expect(await latest).toBe(3);
  });

  it('reads that are shared do not wait for what others ask', async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<number>();
    void reads.get('long', read);
    const other = reads.get('short', read);
    begun[1]?.answer(7);
    expect(await other).toBe(7);
  });

  it('reads that are shared fail for those whom they were for, and the next one runs', async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<number>();
    const first = reads.get('list', read);
    const next = reads.get('list', read);
    begun[0]?.fail(new Error('the database is away'));
    await expect(first).rejects.toThrow('the database is away');
    await settled();
    begun[1]?.answer(5);
    expect(await next).toBe(5);
  });

  it('reads that are shared begin anew once nobody waits', async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<number>();
    const first = reads.get('list', read);
    begun[0]?.answer(1);
    await first;
    await settled();
    const second = reads.get('list', read);
    expect(begun).toHaveLength(2);
    begun[1]?.answer(2);
    expect(await second).toBe(2);
  });
});
