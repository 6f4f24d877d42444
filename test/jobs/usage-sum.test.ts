import { describe, expect, it } from 'vitest';
import { UsageSum } from '../../src/jobs/usage-sum.js';

const vision = {
  stage: 'vision' as const,
  model: 'gpt-5.6-terra',
  calls: 1,
  inputTokens: 4000,
  cachedInputTokens: 1000,
  outputTokens: 700,
  reasoningTokens: 200,
  costUsd: 0.1,
};

describe('usage of many calls', () => {
  it('usage of many calls is summed in all that a row counts, and a cost has no more digits than the database keeps', () => {
    const sum = new UsageSum();
    // 0.1 + 0.2 is 0.30000000000000004 in binary fractions.
    sum.add(vision);
    sum.add({
      ...vision,
      calls: 2,
      inputTokens: 1,
      cachedInputTokens: 2,
      outputTokens: 3,
      reasoningTokens: 4,
      costUsd: 0.2,
    });
    expect(sum.rows()).toEqual([
      {
        ...vision,
        calls: 3,
        inputTokens: 4001,
        cachedInputTokens: 1002,
        outputTokens: 703,
        reasoningTokens: 204,
        costUsd: 0.3,
      },
    ]);
  });

  it('usage of many calls is a row for each stage and each model', () => {
    const sum = new UsageSum();
    for (const row of [vision, { ...vision, model: 'gpt-5.6-luna' }, { ...vision, stage: 'translation' as const }])
      sum.add(row);
    sum.add(vision);
    expect(sum.rows().map(({ stage, model, calls }) => `${stage} ${model} ${calls}`)).toEqual([
      'vision gpt-5.6-terra 2',
      'vision gpt-5.6-luna 1',
      'translation gpt-5.6-terra 1',
    ]);
  });

  it('usage of many calls is counted once: what was written is forgotten, what comes later is not', () => {
    const sum = new UsageSum();
    sum.add(vision);
    sum.clear();
    expect(sum.rows()).toEqual([]);
    sum.add({ ...vision, costUsd: 0.5 });
    expect(sum.rows()).toEqual([{ ...vision, costUsd: 0.5 }]);
  });
});
