import { describe, expect, it } from 'vitest';
import { sideBySide } from '../../src/common/side-by-side.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('sideBySide', () => {
  it('sideBySide does all of the work, in order and with no more of it at a time than asked for', async () => {
    const [begun, ended] = [[] as number[], [] as number[]];
    let most = 0;
    await sideBySide([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      most = Math.max(most, begun.length - ended.length);
      await turn();
      ended.push(item);
    });
    expect([begun, most]).toEqual([[1, 2, 3, 4, 5], 2]);
    expect(ended).toHaveLength(5);
  });

  it('sideBySide begins nothing after a failure, waits for what runs, and throws the first failure', async () => {
    const [begun, ended] = [[] as number[], [] as number[]];
    const work = async (item: number) => {
      begun.push(item);
      if (item === 2) throw new Error('the second broke');
      await turn();
      ended.push(item);
      throw new Error('late');
    };
    await expect(sideBySide([1, 2, 3, 4], 2, work)).rejects.toThrow('the second broke');
    expect([begun, ended]).toEqual([[1, 2], [1]]);
  });

  it('sideBySide does nothing for an empty list', async () => {
    await sideBySide([], 2, () => Promise.reject(new Error('asked for nothing')));
  });
});
