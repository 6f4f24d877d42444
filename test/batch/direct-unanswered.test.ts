import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { BatchRig } from './rig.js';

/**
 * The faults after which a call has no answer. One of them is the error by which OpenAI's own server reports trouble.
 */
const NO_ANSWER: readonly JsonObject[] = [{ action: 'reset' }, { action: 'status', status: 503 }];
/** Of the rig: RETRY_ATTEMPTS. */
const TRIES = 2;

describe('a lot that is asked for directly and gets no answer', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
    // Lines that never ran: too few for another batch, so their lots are asked for directly.
    await rig.fault({ action: 'line_missing', kind: 'vision' });
  });
  afterEach(() => rig.close());

  const direct = (fault: JsonObject, more: JsonObject = {}): JsonObject => ({
    ...fault,
    method: 'POST',
    path: '/v1/responses',
    ...more,
  });

  /** How often the rule with this number was used. */
  async function struck(rule: number): Promise<number> {
    const answer = await fetch(`${rig.sandbox.server.origin}/sandbox/faults`);
    return ((await answer.json()) as { faults: { struck: number }[] }).faults[rule]?.struck ?? NaN;
  }

  /** Runs until the direct shard waits. @returns its reason */
  async function toItsRest(): Promise<string | null> {
    const resting = async () =>
      (await rig.shards()).find(({ status, reason }) => status === 'direct' && reason !== null);
    await rig.runUntil(async () => (await resting()) !== undefined);
    return (await resting())?.reason ?? null;
  }

  it.each(NO_ANSWER)('a lot without an answer to direct requests fails after its tries: $action', async (fault) => {
    // The others are answered after its first try has begun and before its last one ends.
    await rig.fault(
      direct(fault, { contains: 'lot1-' }),
      direct({ action: 'latency', ms: 800 }, { contains: 'lot1-' }),
      direct({ action: 'latency', ms: 600 }, { contains: 'lot0-' }),
      direct({ action: 'latency', ms: 600 }, { contains: 'lot2-' }),
    );
    const id = await rig.job({ languages: ['en'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2, failed_lots: 1 });
    expect((await rig.lots(id))[1]).toMatchObject({ status: 'failed', error: { code: 'OPENAI_API_ERROR' } });
    expect(await struck(1)).toBe(TRIES);
    expect(await rig.audit(id)).toEqual([]);
  });

  it.each(NO_ANSWER)('a lot without an answer fails as well where it is the only one: $action', async (fault) => {
    await rig.fault(direct(fault));
    const id = await rig.job({ lots: 1, languages: ['en'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'failed', failed_lots: 1 });
    expect((await rig.lots(id))[0]).toMatchObject({ error: { code: 'OPENAI_API_ERROR' } });
    expect(await struck(1)).toBeLessThanOrEqual(5 * TRIES);
  });

  it.each(NO_ANSWER)('a lot waits while OpenAI is away, however often it was tried: $action', async (fault) => {
    await rig.fault(direct(fault), { ...fault, method: 'GET', path: '/v1/models/*' });
    const id = await rig.job({ lots: 1, languages: ['en'] });
    await toItsRest();
    for (let round = 0; round < 8; round += 1) {
      await rig.makeDue();
      await rig.run('direct');
    }
    expect(await rig.lots(id)).toMatchObject([{ status: 'processing' }]);
    await rig.sandbox.call('DELETE', '/sandbox/faults');
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 1 });
  });

  it('a lot that is asked for directly is not given up for a while in which nobody was answered', async () => {
    await rig.fault(direct({ action: 'reset' }, { count: 3 * TRIES }));
    const id = await rig.job({ lots: 1, languages: ['en'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 1 });
    expect(await struck(1)).toBe(3 * TRIES);
  });
});
