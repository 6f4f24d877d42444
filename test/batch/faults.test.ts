import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directTry, translationTry } from '../../src/batch/shards/tries.js';
import type { JsonObject } from 'openai-sandbox';
import { BatchRig } from './rig.js';

const CREATE = { method: 'POST', path: '/v1/batches' };

describe('what goes wrong at OpenAI', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  async function completes(id: string, lots = 3): Promise<Record<string, unknown>> {
    const job = await rig.runToEnd(id);
    expect(job).toMatchObject({ status: 'completed', processed_lots: lots, failed_lots: 0 });
    await rig.runUntil(async () => (await rig.shards()).every((shard) => shard.status === 'done'));
    expect(await rig.audit(id)).toEqual([]);
    return job;
  }

  it('a shard waits for a full queue of OpenAI without using up a try, and believes its limit', async () => {
    await rig.fault({
      action: 'batch_fail',
      code: 'token_limit_exceeded',
      message: 'Limit: 900,000 enqueued tokens',
      count: 1,
    });
    await completes(await rig.job());
    expect((await rig.shards())[0]).toMatchObject({ attempt: 0, submission: 2, status: 'done' });
    const models = await rig.db.database.query('select * from openai_models where enqueued_token_limit is not null');
    expect(models).toHaveLength(1);
  });

  it('an expired batch is harvested and only the rest of it is sent again', async () => {
    const id = await rig.job({ lots: 60, languages: ['en'] });
    await rig.fault({ action: 'batch_expire', share: 0.5, count: 1 });
    await completes(id, 60);
    const [first, second] = await rig.shards();
    expect(first).toMatchObject({ attempt: 0, upstream_status: 'expired' });
    expect(second).toMatchObject({ attempt: 1, status: 'done' });
    const { calls } = (await rig.db.database.query<{ calls: number }>('select calls from job_usage'))[0] ?? {
      calls: 0,
    };
    expect(calls).toBe(60);
  });

  it('lines, not the status, tell what became of lots when a completed batch has only an error file', async () => {
    await rig.fault({ action: 'line_status', status: 500, code: 'server_error' });
    await completes(await rig.job({ languages: ['en'] }));
    expect(await rig.shards()).toMatchObject([{ attempt: 0 }, { attempt: 2, status: 'done' }]);
  });

  it('lots are sent in two batches before they are asked for directly', async () => {
    await rig.fault({ action: 'line_status', status: 429, code: 'rate_limit_exceeded' });
    await completes(await rig.job({ lots: 25, languages: ['en'] }), 25);
    expect((await rig.shards()).map((shard) => shard.attempt)).toEqual([0, 1, 3]);
  });

  it('lines that a batch lacks are noticed', async () => {
    await rig.fault({ action: 'line_missing', count: 2 }, { action: 'batch_counts_off' });
    await completes(await rig.job());
  });

  it('a doubled line is taken once and counted once', async () => {
    await rig.fault({ action: 'line_double' });
    const id = await rig.job({ languages: ['en'] });
    await completes(id);
    expect(await rig.db.database.query('select calls from job_usage')).toEqual([{ calls: 3 }]);
  });

  it('lines that are no JSON are passed over', async () => {
    await rig.fault({ action: 'line_broken', count: 1 });
    await completes(await rig.job());
  });

  it('a lot is asked for directly without a photo that OpenAI cannot fetch', async () => {
    await rig.fault({ action: 'image_error', within: 'line', count: 1 });
    await completes(await rig.job());
    expect((await rig.shards()).map((shard) => shard.attempt)).toContain(2);
  });

  it('an answer that was cut off is asked for again with more room', async () => {
    await rig.fault({ action: 'incomplete', reason: 'max_output_tokens', within: 'line', count: 1 });
    await completes(await rig.job());
  });

  it('an answer of the wrong form is asked for again', async () => {
    await rig.fault({ action: 'schema_violation', within: 'line', kind: 'vision' });
    await completes(await rig.job());
  });

  it('a refused lot fails alone', async () => {
    await rig.fault({ action: 'refusal', kind: 'vision', count: 1 });
    const id = await rig.job();
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2, failed_lots: 1 });
    expect((await rig.lots(id)).filter((lot) => lot.error?.code === 'REFUSED')).toHaveLength(1);
    expect(await rig.audit(id)).toEqual([]);
  });

  it.each<[string, JsonObject]>([
    ['a line', { action: 'line_status', status: 400, code: 'invalid_prompt', kind: 'vision', count: 1 }],
    ['a line’s 200', { action: 'failed', code: 'moderation_blocked', within: 'line', kind: 'vision', count: 1 }],
  ])('a safety refusal in %s is called what it is, and nothing more is asked', async (_name, rule) => {
    await rig.fault(rule);
    const id = await rig.job();
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2, failed_lots: 1 });
    expect((await rig.lots(id)).filter((lot) => lot.error?.code === 'REFUSED')).toHaveLength(1);
    expect((await rig.shards()).map((shard) => shard.attempt)).toEqual([0, directTry(translationTry(0))]);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a safety refusal of a direct request is called what it is', async () => {
    await rig.fault(
      { action: 'line_missing', kind: 'vision', count: 1 },
      { action: 'status', path: '/v1/responses', status: 400, code: 'content_policy_violation', count: 1 },
    );
    const id = await rig.job();
    expect(await rig.runToEnd(id)).toMatchObject({ processed_lots: 2, failed_lots: 1 });
    expect((await rig.lots(id)).filter((lot) => lot.error?.code === 'REFUSED')).toHaveLength(1);
  });

  it.each([
    ['POST', '/v1/files', 404],
    ['POST', '/v1/files', 405],
    ['POST', '/v1/files', 501],
    ['POST', '/v1/batches', 404],
    ['POST', '/v1/batches', 405],
    ['POST', '/v1/batches', 501],
  ])('all lots are asked for directly where there is no Batch API: %s %s answers %i', async (method, path, status) => {
    // Such a server has no list of models either: that must not be taken for a model that is gone.
    await rig.fault(
      { action: 'status', method, path, status },
      { action: 'status', method: 'GET', path: '/v1/models/*', status: 404 },
      { action: 'status', method: 'GET', path: '/v1/batches', status },
    );
    const id = await rig.job();
    await completes(id);
    expect((await rig.shards()).filter((shard) => shard.upstream_status !== null)).toEqual([]);
  });

  it('a lot completes with the English text where the glossary of a language fails', async () => {
    await rig.fault({ action: 'refusal', kind: 'translation' });
    const id = await rig.job({ lots: 1, languages: ['fi', 'sv'] });
    await completes(id, 1);
    expect(await rig.results(id)).toEqual(['0 en', '0 fi fallback', '0 sv fallback']);
  });

  it('a batch that is not visible yet is not taken for gone', async () => {
    await rig.close();
    rig = await BatchRig.start({ SUBMIT_GRACE: '120' });
    await rig.fault({ action: 'status', status: 404, method: 'GET', path: '/v1/batches/*', count: 2 });
    await completes(await rig.job());
  });

  it('a shard whose batch is gone is paused, and never sent again by itself', async () => {
    await rig.fault({ action: 'status', status: 404, method: 'GET', path: '/v1/batches/*' });
    await rig.job();
    await rig.runUntil(async () => (await rig.shards())[0]?.status === 'paused');
    await rig.run('submit');
    expect(await rig.shards()).toMatchObject([{ status: 'paused', reason: 'batch_not_found', submission: 1 }]);
  });

  it.each([
    { action: 'status', status: 502, count: 3 },
    { action: 'cut_body', count: 2 },
    { action: 'html', count: 1 },
  ])('a download that breaks is resumed: $action', async (fault) => {
    await rig.fault({ ...fault, method: 'GET', path: '/v1/files/*/content' });
    await completes(await rig.job());
  });

  it.each([
    ['500 after the batch was created', { action: 'status', status: 500, after: true, count: 1 }],
    ['500 before it was', { action: 'status', status: 500, count: 1 }],
    ['no answer at all, created', { action: 'reset', after: true, count: 1 }],
    ['no answer at all, not created', { action: 'reset', count: 1 }],
    ['an answer that is no JSON', { action: 'html', after: true, count: 1 }],
  ])('one batch only is created: %s', async (_name, fault) => {
    await rig.fault({ ...fault, ...CREATE });
    await completes(await rig.job({ languages: ['en'] }));
    expect(Object.values(await rig.created())).toEqual([1]);
  });

  it('a file that is not visible yet is sent again', async () => {
    await rig.fault({ action: 'status', status: 404, code: 'file_not_found', count: 2, ...CREATE });
    await completes(await rig.job());
  });

  it('the queue is paused visibly when the quota is used up, and goes on when it is there again', async () => {
    await rig.fault({ action: 'quota', count: 2, ...CREATE });
    const id = await rig.job();
    await rig.run('photos');
    await rig.run('submit');
    expect(await rig.shards()).toMatchObject([{ status: 'queued', reason: 'insufficient_quota', attempt: 0 }]);
    const paused = await rig.db.database.query('select model from openai_models where paused_until > now()');
    expect(paused).toEqual([{ model: 'gpt-5.6-terra' }]);
    await completes(id);
    expect(await rig.db.database.query('select 1 from openai_models where reason is not null')).toEqual([]);
  });

  it('a shard waits for a model that is gone', async () => {
    await rig.fault({ action: 'model_gone', model: 'gpt-5.6-terra', id: 'gone' });
    await rig.job();
    await rig.run('photos');
    await rig.run('submit');
    expect(await rig.shards()).toMatchObject([{ status: 'queued', reason: 'model_gone', submission: 0 }]);
  });

  it('nothing is asked about batches of another upstream', async () => {
    await rig.job();
    await rig.run('photos');
    await rig.run('submit');
    await rig.db.database.execute(`update openai_batches set upstream = 'elsewhere'`);
    await rig.makeDue();
    await rig.run('watch');
    expect(await rig.shards()).toMatchObject([{ status: 'paused', reason: 'upstream_changed' }]);
  });
});

describe('limits', () => {
  it('a shard is cut where the token limit ends', async () => {
    const rig = await BatchRig.start({ MAX_ENQUEUED_TOKENS: '60000' });
    try {
      const id = await rig.job({ lots: 12, languages: ['en'] });
      expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 12 });
      const shards = await rig.shards();
      expect(shards.length).toBeGreaterThan(1);
      const covered = shards.flatMap(({ first_position: from, last_position: to }) =>
        Array.from({ length: to - from + 1 }, (_, index) => from + index),
      );
      expect(covered).toEqual(Array.from({ length: 12 }, (_, index) => index));
      expect(await rig.audit(id)).toEqual([]);
    } finally {
      await rig.close();
    }
  });

  it('the active batches of a key are kept to their limit, and the key with the fewest is served first', async () => {
    const rig = await BatchRig.start({ ACTIVE_BATCH_LIMIT_KEY: '1', ACTIVE_BATCH_LIMIT_GLB: '2' });
    try {
      for (const keyId of ['acme', 'acme', 'beta']) await rig.job({ lots: 1, keyId });
      await rig.run('photos');
      await rig.run('submit');
      const active = await rig.db.database.query<{ key_id: string }>(
        `select key_id from openai_batches where status = 'watching' order by key_id`,
      );
      expect(active).toEqual([{ key_id: 'acme' }, { key_id: 'beta' }]);
    } finally {
      await rig.close();
    }
  });
});
