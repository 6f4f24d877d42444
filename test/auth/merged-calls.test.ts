import { describe, expect, it } from 'vitest';
import { MergedCalls } from '../../src/auth/limits/merged-calls.js';

describe('MergedCalls', () => {
  it('calls that come while one is under way are done together by the next run, in their order', async () => {
    const runs: [string, number][] = [];
    const merged = new MergedCalls((key, times) => {
      runs.push([key, times]);
      return Promise.resolve(`${key} ${runs.length}`);
    });
    const answers = await Promise.all(['a', 'a', 'b', 'a'].map((key) => merged.call(key)));
    expect(runs).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 2],
    ]);
    expect(answers).toEqual([
      { result: 'a 1', place: 1, of: 1 },
      { result: 'a 3', place: 1, of: 2 },
      { result: 'b 2', place: 1, of: 1 },
      { result: 'a 3', place: 2, of: 2 },
    ]);
    expect(await merged.call('a')).toEqual({ result: 'a 4', place: 1, of: 1 });
  });

  it('a run that fails fails for its own calls alone', async () => {
    let runs = 0;
    const merged = new MergedCalls(() => (++runs === 1 ? Promise.reject(new Error('away')) : Promise.resolve('there')));
    const [first, second] = await Promise.allSettled([merged.call('a'), merged.call('a')]);
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'away' } });
    expect(second).toMatchObject({ status: 'fulfilled', value: { result: 'there' } });
  });
});
