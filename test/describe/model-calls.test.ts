import { describe, expect, it } from 'vitest';
import type { TranslationRequest } from '../../src/assessment/translation.js';
import type { CallBounds } from '../../src/assessment/worst-case.js';
import type { Budget } from '../../src/describe/budget.js';
import { ModelCalls } from '../../src/describe/model-calls.js';
import type { ModelSettings } from '../../src/describe/model-settings.js';
import type { UsageRow } from '../../src/jobs/usage-sum.js';
import { OpenAiError } from '../../src/openai/errors.js';
import type { OpenAiClient } from '../../src/openai/openai-client.js';
import type { CallLimits } from '../../src/openai/retry.js';

const BOUNDS: CallBounds = { inputUsd: 1, expectedInputUsd: 1, outputTokenUsd: 0.01, room: 100, leastRoom: 10 };
const REQUEST = { model: 'a-model', max_output_tokens: 100 } as unknown as TranslationRequest;
const LIMITS: CallLimits = { deadlineAt: Number.MAX_SAFE_INTEGER };
const USAGE = { input: 10, cachedInput: 0, cacheWrite: 0, output: 5, reasoning: 0 };
const TOLD = { input_tokens: 10, output_tokens: 5 };

/** A budget that records what happens to the amounts that it gave. */
function budgeted(openai: (limits: CallLimits) => Promise<unknown>) {
  const log: string[] = [];
  const budget: Budget = {
    hold: (bounds) => {
      log.push('hold');
      return Promise.resolve({ usd: 2, room: bounds.room });
    },
    giveBack: (usd) => Promise.resolve(void log.push(`give back ${usd}`)),
    keep: (usd) => Promise.resolve(void log.push(`keep ${usd}`)),
  };
  const client = { createResponse: (_body: unknown, limits: CallLimits) => openai(limits) } as unknown as OpenAiClient;
  const settings = { usageRow: () => ({ calls: 1 }) as UsageRow } as unknown as ModelSettings;
  const calls = new ModelCalls(client, settings);
  const ask = (count: () => Promise<void>) => calls.ask('translation', REQUEST, BOUNDS, LIMITS, count, 'usual', budget);
  return { log, ask };
}

const lost = () => Promise.reject(new Error('the database is away'));
const counted = () => Promise.resolve();
const failed = () => new OpenAiError({ kind: 'server', retryable: true, status: 500, usage: TOLD });

describe('a call within a budget', () => {
  it('a call within a budget gives back what was held for it once its answer is counted', async () => {
    const { log, ask } = budgeted(() => Promise.resolve({ body: {} }));
    const { bill } = await ask(counted);
    expect(log).toEqual(['hold']);
    expect(await bill(USAGE)).toEqual({ calls: 1 });
    expect(log).toEqual(['hold', 'give back 2']);
  });

  it('a call is over when its answer cannot be counted: what it held stays held, and nobody waits for it', async () => {
    const { log, ask } = budgeted(() => Promise.resolve({ body: {} }));
    const { bill } = await ask(lost);
    await expect(bill(USAGE)).rejects.toThrow('the database is away');
    expect(log).toEqual(['hold', 'keep 2']);
  });

  it('a call is over once when a failure that tells its tokens cannot be counted', async () => {
    const { log, ask } = budgeted(() => Promise.reject(failed()));
    await expect(ask(lost)).rejects.toThrow('the database is away');
    expect(log).toEqual(['hold', 'keep 2']);
  });

  it('a call is over once when a try before the last cannot be counted', async () => {
    const { log, ask } = budgeted(async (limits) => {
      await limits.beforeRetry?.(failed());
      return { body: {} };
    });
    await expect(ask(lost)).rejects.toThrow('the database is away');
    expect(log).toEqual(['hold', 'keep 2']);
  });

  it('a call holds its budget anew for another try', async () => {
    const { log, ask } = budgeted(async (limits) => {
      await limits.beforeRetry?.(failed());
      return { body: {} };
    });
    const { bill } = await ask(counted);
    await bill(USAGE);
    expect(log).toEqual(['hold', 'give back 2', 'hold', 'give back 2']);
  });
});
