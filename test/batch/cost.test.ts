import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { estimateLot } from '../../src/assessment/estimate.js';
import { MODEL_PRICES } from '../../src/assessment/cost.js';
import { worstLotUsd } from '../../src/assessment/worst-case.js';
import { ModelSettings } from '../../src/describe/model-settings.js';
import { AnswerProxy } from '../support/answer-proxy.js';
import { BatchRig, type LotRow } from './rig.js';

const LOTS = 3;

describe('max_cost_usd', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  /** The estimate of the intake for the rig's lots of two photos, with this many languages besides English. */
  function foreseen(languages: number): number {
    const { costUsd } = estimateLot(2, 0, languages, rig.module.get(ModelSettings).estimate(true));
    if (costUsd === null) throw new Error('the models have no price');
    return LOTS * costUsd;
  }

  const jobWithin = (limit: number) => rig.job({ lots: LOTS, options: { max_cost_usd: limit } });
  const batches = async () => Object.keys(await rig.created()).map((key) => key.split(':')[1]);
  const calls = async () => {
    const { json } = await rig.sandbox.call('GET', '/sandbox/log?bodies=false&path=/v1/responses');
    return (json['requests'] as unknown[]).length;
  };

  it('max_cost_usd does not stop a job that costs no more than was foreseen', async () => {
    const id = await jobWithin(foreseen(1));
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: LOTS });
    expect(await rig.results(id)).toEqual(['0 en', '0 fi', '1 en', '1 fi', '2 en', '2 fi']);
    expect(Number((await rig.jobRow(id))['cost_usd'])).toBeLessThanOrEqual(foreseen(1));
    expect(new Set(await batches())).toEqual(new Set(['vision']));
    // The glossary, which is no cost of the job.
    expect(await calls()).toBe(1);
  });

  it('max_cost_usd keeps no text back when it was reached before them: they cost nothing', async () => {
    const id = await jobWithin(1);
    await rig.runUntil(async () => (await rig.lots(id)).every((lot) => lot.status === 'translating'));
    // Second tries made vision more expensive than estimated.
    await rig.db.database.execute('update batch_jobs set cost_usd = 1 where id = $1', [id]);
    expect(await rig.runToEnd(id)).toMatchObject({
      status: 'completed',
      processed_lots: LOTS,
      failed_lots: 0,
      cost_usd: '1.00000000',
    });
    expect(await rig.results(id)).toEqual(['0 en', '0 fi', '1 en', '1 fi', '2 en', '2 fi']);
    expect(await batches()).toEqual(['vision']);
    expect(await calls()).toBe(1);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('max_cost_usd counts what other batches of the job that are under way may cost, and waits for them', async () => {
    const id = await jobWithin(worst(1) * LOTS);
    await rig.run('photos');
    await rig.db.database.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
         request_total, reserved_usd, next_check_at, created_at)
       values ($1, 'vision', 100, 0, 105, 'acme', 'gpt-5.6-terra', 'watching', 6, $2, 'infinity', now())`,
      [id, worst(1) * LOTS],
    );
    await rig.db.database.execute('update batch_jobs set reserved_usd = $2 where id = $1', [id, worst(1) * LOTS]);
    await rig.run('submit');
    expect(await batches()).toEqual([]);
    expect(await rig.shards()).toMatchObject([{ status: 'queued', reason: 'waiting_for_costs' }, {}]);
  });

  it('max_cost_usd takes photos by their true size, all of which are looked at', async () => {
    const models = rig.module.get(ModelSettings);
    const photos = Array.from({ length: 30 }, (_, index) => `/real-${index}.jpg`);
    const id = await rig.job({
      lots: 2,
      languages: ['en'],
      photos: (lot) => photos.slice(15 * lot, 15 * lot + 15),
      options: { max_cost_usd: 1 },
    });
    await rig.run('photos');
    const [lot] = await rig.db.database.query<{ tokens: number }>(
      'select photo_tokens as tokens from batch_lots where job_id = $1 and position = 0',
      [id],
    );
    const perPhoto = (lot?.tokens ?? 0) / 15;
    expect(perPhoto).toBeLessThan(models.photoTokens(null) / 2);
    const worstAt = (tokens: number) => worstLotUsd(15, 0, 0, models.worstCase(true, tokens), true) ?? 0;
    // Enough for both lots at once as they are, and for one alone if each photo were the largest.
    const limit = 2 * worstAt(perPhoto);
    expect(limit).toBeLessThan(2 * worstAt(models.photoTokens(null)));
    await rig.db.database.execute('update batch_jobs set options = options || $2::jsonb where id = $1', [
      id,
      JSON.stringify({ max_cost_usd: limit }),
    ]);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(await batches()).toEqual(['vision']);
    expect(await calls()).toBe(0);
  });

  it('max_cost_usd lets lots fail whose description it has no room for, and sends nothing', async () => {
    const id = await jobWithin((foreseen(0) / LOTS) * 0.99);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'failed', failed_lots: LOTS, cost_usd: '0.00000000' });
    expect((await rig.lots(id)).map((lot) => lot.error?.code)).toEqual(Array(LOTS).fill('COST_LIMIT_EXCEEDED'));
    expect(await batches()).toEqual([]);
    expect(await calls()).toBe(0);
  });

  /** The most that a lot's first tries may cost. */
  function worst(languages: number): number {
    const usd = worstLotUsd(2, 0, languages, rig.module.get(ModelSettings).worstCase(true), true);
    if (usd === null) throw new Error('the models have no price');
    return usd;
  }
});

describe('the bill of a job whose answers use all the room that they get', () => {
  let rig: BatchRig;
  let proxy: AnswerProxy;
  beforeEach(async () => {
    proxy = await AnswerProxy.start();
    proxy.greedy = true;
    rig = await BatchRig.start({ OPENAI_BASE_URL: proxy.url });
    proxy.target = rig.sandbox.server.baseUrl;
  });
  afterEach(async () => {
    await rig.close();
    proxy.stop();
  });

  const settings = () => rig.module.get(ModelSettings);
  const estimate = (languages: number) => estimateLot(2, 0, languages, settings().estimate(true)).costUsd ?? 0;
  const worst = (languages: number) => worstLotUsd(2, 0, languages, settings().worstCase(true), true) ?? 0;

  async function ends(id: string, limit: number): Promise<LotRow[]> {
    await rig.runToEnd(id);
    await rig.runUntil(async () => (await rig.shards()).every((shard) => shard.status === 'done'));
    expect(proxy.usd(MODEL_PRICES)).toBeLessThanOrEqual(limit);
    const problems = (await rig.audit(id)).filter((problem) => !problem.endsWith('times'));
    expect(problems).toEqual([]);
    return rig.lots(id);
  }

  const failedForCost = (lots: readonly LotRow[]) =>
    lots.filter((lot) => lot.error?.code === 'COST_LIMIT_EXCEEDED').length;

  it('the bill of a job stays within its limit over many rounds; what was done stays, and the rest fails with its reason', async () => {
    const limit = worst(0) * 3.5;
    const id = await rig.job({ lots: 12, languages: ['en'], options: { max_cost_usd: limit } });
    const lots = await ends(id, limit);
    const done = lots.filter((lot) => lot.status === 'completed').length;
    expect(done).toBeGreaterThanOrEqual(3);
    expect(done + failedForCost(lots)).toBe(12);
    expect((await rig.shards()).length).toBeGreaterThan(1);
    // At the end enough is left for an answer of the estimated size, but not for answers as long as these.
    expect(new Set(proxy.rooms)).toEqual(new Set([settings().vision.maxOutputTokens]));
  });

  it("a single lot that would pass the job's limit gets less room, never below what the estimate takes", async () => {
    const limit = estimate(0) * 1.01;
    const id = await rig.job({ lots: 2, languages: ['en'], options: { max_cost_usd: limit } });
    const lots = await ends(id, limit);
    expect(failedForCost(lots)).toBeGreaterThanOrEqual(1);
    const least = estimateLot(2, 0, 0, settings().estimate(true)).vision.outputTokens;
    expect(proxy.rooms).toHaveLength(1);
    expect(proxy.rooms[0]).toBeGreaterThanOrEqual(least);
    expect(proxy.rooms[0]).toBeLessThan(settings().vision.maxOutputTokens);
  });

  it('the bill of a job stays within a limit of just the estimate, with translations', async () => {
    const limit = estimate(1) * 12;
    const id = await rig.job({ lots: 12, options: { max_cost_usd: limit } });
    const lots = await ends(id, limit);
    expect(lots.some((lot) => lot.status === 'completed')).toBe(true);
  });

  it('a job needs one batch a stage where its limit is above the worst case', async () => {
    const limit = worst(1) * 8;
    const id = await rig.job({ lots: 8, options: { max_cost_usd: limit } });
    const lots = await ends(id, limit);
    expect(lots.every((lot) => lot.status === 'completed')).toBe(true);
    expect((await rig.shards()).map(({ stage, attempt }) => `${stage} ${attempt}`)).toEqual([
      'vision 0',
      'translation 2',
    ]);
  });

  it('the bill of a job stays within the limit with several shards that are claimed at once', async () => {
    const limit = worst(0) * 4.2;
    const id = await rig.job({ lots: 12, languages: ['en'], options: { max_cost_usd: limit } });
    await rig.db.database.execute(`update openai_batches set last_position = 3 where job_id = $1`, [id]);
    for (const [first, last] of [
      [4, 7],
      [8, 11],
    ]) {
      await rig.db.database.execute(
        `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
           photos_position, next_check_at, created_at)
         select job_id, stage, $2, attempt, $3, key_id, model, status, $2, next_check_at, created_at
         from openai_batches where job_id = $1 and first_position = 0`,
        [id, first, last],
      );
    }
    const lots = await ends(id, limit);
    expect(lots.filter((lot) => lot.status === 'completed').length).toBeGreaterThanOrEqual(4);
  });

  it('the bill of a job stays within the limit when lines are missing and lots are asked for directly', async () => {
    await rig.fault({ action: 'line_missing', probability: 0.5, seed: 'cost' });
    // A missing line counts at its worst cost, like any other line whose cost is unknown.
    const limit = worst(0) * 20;
    const id = await rig.job({ lots: 12, languages: ['en'], options: { max_cost_usd: limit } });
    await ends(id, limit);
    expect(proxy.directCalls).toBeGreaterThan(0);
  });

  it('the bill of a job stays within the limit when a batch expires half way', async () => {
    await rig.fault({ action: 'batch_expire', share: 0.5, count: 1 });
    const limit = worst(0) * 7;
    await ends(await rig.job({ lots: 12, languages: ['en'], options: { max_cost_usd: limit } }), limit);
  });

  it('direct answers that broke off and are billed all the same count at their worst', async () => {
    // No line is answered, nor billed.
    await rig.fault({ action: 'line_status', status: 500, code: 'server_error' });
    proxy.breaksDirect = (call) => call % 2 === 1;
    const limit = worst(0) * 8;
    const id = await rig.job({ lots: 6, languages: ['en'], options: { max_cost_usd: limit } });
    await ends(id, limit);
    expect(proxy.directCalls).toBeGreaterThan(1);
  });

  it('lines that cannot be read count at their worst', async () => {
    proxy.line = () => 'no line';
    const limit = worst(0) * 9;
    const id = await rig.job({ lots: 6, languages: ['en'], options: { max_cost_usd: limit } });
    await ends(id, limit);
    // Six lines at their worst leave room for one direct call.
    expect(proxy.directCalls).toBe(1);
  });

  it('lines that a completed batch has in neither file count at their worst', async () => {
    proxy.line = () => '';
    const limit = worst(0) * 9;
    const id = await rig.job({ lots: 6, languages: ['en'], options: { max_cost_usd: limit } });
    await ends(id, limit);
    expect(proxy.directCalls).toBe(1);
  });

  it('answers that do not tell what they cost count at their worst', async () => {
    proxy.answer = (body) => ({ ...body, usage: null });
    const limit = worst(0) * 4.1;
    const id = await rig.job({ lots: 12, languages: ['en'], options: { max_cost_usd: limit } });
    const lots = await ends(id, limit);
    expect(lots.filter((lot) => lot.status === 'completed')).toHaveLength(4);
  });

  it('what a process held that died in the middle of its direct calls stays held', async () => {
    // No line is answered, nor billed.
    await rig.fault({ action: 'line_status', status: 500, code: 'server_error' });
    const limit = worst(0) * 9;
    const id = await rig.job({ lots: 3, languages: ['en'], options: { max_cost_usd: limit } });
    while (!(await rig.shards()).some((shard) => shard.status === 'direct')) {
      await rig.makeDue();
      for (const name of ['photos', 'submit', 'watch', 'take-in'] as const) await rig.run(name);
    }
    // The state after a process was killed during its calls.
    const lost = worst(0) * 3;
    await rig.db.database.execute(
      `update openai_batches set reserved_usd = $2 where job_id = $1 and status = 'direct'`,
      [id, lost],
    );
    await rig.db.database.execute('update batch_jobs set reserved_usd = reserved_usd + $2 where id = $1', [id, lost]);
    await ends(id, limit - lost);
  });
});
