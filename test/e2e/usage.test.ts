import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { lotOf, TestService, type KeyId } from '../support/service.js';
import { usageDifferences } from '../support/usage.js';

// Real: the whole service, its workers too, PostgreSQL, the sandbox over HTTP.

describe('what a key has used, as the service tells it', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  beforeEach(() => service.reset());
  afterAll(() => service.stop());

  const used = async (by: string, keyId: KeyId = 'acme') =>
    (await service.send(`/api/v1/usage?group_by=${by}`, { keyId })).body['rows'] as JsonObject[];
  const asking = (scene: string, change: JsonObject) => {
    const body = service.request(change);
    lotOf(body)['additional_info'] = `sandbox-scene:${scene}`;
    return body;
  };
  /** Tokens and cost of jobs, as their own statuses tell them. */
  const statedBy = async (jobs: readonly string[]) => {
    let tokens = 0;
    let cost = 0;
    for (const id of jobs) {
      const usage = (await service.send(`/api/v1/batch-status/${id}`)).body['usage'] as JsonObject;
      for (const stage of usage['by_stage'] as JsonObject[]) {
        tokens += Number(stage['input_tokens']) + Number(stage['output_tokens']);
      }
      cost += Number(usage['cost_usd']);
    }
    return [tokens, Number(cost.toFixed(8))];
  };
  const total = (rows: readonly JsonObject[]) => [
    rows.reduce((sum, row) => sum + Number(row['input_tokens']) + Number(row['output_tokens']), 0),
    Number(rows.reduce((sum, row) => sum + Number(row['cost_usd']), 0).toFixed(8)),
  ];

  it('is what its jobs say, to the last digit, and each lot counts once', async () => {
    const jobs: string[] = [];
    const sent = async (body: JsonObject, status: number) => {
      const answer = await service.generate(body);
      expect(answer.status).toBe(status);
      jobs.push(String(answer.body['job_id']));
      return String(answer.body['job_id']);
    };
    await sent(service.request(), 200);
    // Notes are translated by a second call.
    await sent(asking('two_dents', { languages: ['en', 'de', 'ru'], include: ['notes'] }), 200);
    // Counted in the job before each call.
    await sent(service.request({ languages: ['en', 'de'], max_cost_usd: 5 }), 200);
    // The first answer says nothing and is asked for once more; both are paid for.
    await service.faults({ action: 'broken_json', kind: 'vision', count: 1 });
    await sent(service.request(), 200);
    await service.reset();
    const batch = await sent(asking('two_dents', { mode: 'batch', languages: ['en', 'de'], include: ['notes'] }), 201);
    await service.statusWhen(batch, ({ status }) => status === 'completed');

    const rows = await used('mode');
    expect(rows.map(({ mode, lots }) => [mode, lots])).toEqual([
      ['batch', 1],
      ['sync', 4],
    ]);
    expect(total(rows)).toEqual(await statedBy(jobs));
    expect(total(await used('day'))).toEqual(total(rows));
    const models = await used('model');
    expect(models.map(({ model, lots }) => [model, lots])).toEqual([
      ['gpt-5.6-luna', 0],
      ['gpt-5.6-terra', 5],
    ]);
    expect(total(models)).toEqual(total(rows));
    expect(await usageDifferences(service.db.database)).toEqual([]);
    expect(await used('day', 'beta')).toEqual([]);
  });

  it('holds no lot that failed, but what it cost', async () => {
    await service.faults({ action: 'refusal', kind: 'vision', count: 1 });
    const failed = await service.generate(service.request(), { keyId: 'beta' });
    expect(failed.status).toBe(502);
    const rows = await used('day', 'beta');
    expect(rows).toMatchObject([{ lots: 0 }]);
    expect(Number(rows[0]?.['cost_usd'])).toBeGreaterThan(0);
    expect(await usageDifferences(service.db.database)).toEqual([]);
  });
});
