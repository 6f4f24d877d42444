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
  it('SharedReads runs one read at a time; all callers that came meanwhile share the next one, never the one that began before they asked', async () => {
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
    // This caller came after the second read began, so there is a third read for it.
    const latest = reads.get('list', read);
    begun[1]?.answer(2);
    expect(await Promise.all(later)).toEqual([2, 2]);
    await settled();
    expect(begun).toHaveLength(3);
    begun[2]?.answer(3);
    expect(await latest).toBe(3);
  });

  it('SharedReads does not let a read wait for reads of other values', async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<number>();
    void reads.get('long', read);
    const other = reads.get('short', read);
    begun[1]?.answer(7);
    expect(await other).toBe(7);
  });

  it('SharedReads passes a failure to the callers of that read, and the next read runs', async () => {
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

  it('SharedReads begins a new read when no caller waits', async () => {
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
