import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MODEL_PRICES } from '../../src/assessment/cost.js';
import { newId } from '../../src/common/ids.js';
import { AbandonedJobsCron } from '../../src/sync/abandoned-jobs.cron.js';
import type { JsonObject } from 'openai-sandbox';
import { aJob } from '../support/a-job.mjs';
import { AnswerProxy } from '../support/answer-proxy.js';
import { lotOf, TestService } from '../support/service.js';

let service: TestService;
let proxy: AnswerProxy;

beforeAll(async () => {
  proxy = await AnswerProxy.start();
  service = await TestService.start({ environment: { OPENAI_BASE_URL: proxy.url, RETRY_ATTEMPTS: '2' } });
  proxy.target = service.sandbox.server.baseUrl;
});
afterEach(() => {
  proxy.answer = (body) => body;
  proxy.breaksDirect = () => false;
  proxy.greedy = false;
  proxy.bill.length = 0;
  proxy.directCalls = 0;
});
afterAll(async () => {
  await service.stop();
  proxy.stop();
});

const withTexts = (body: JsonObject, change: (text: string) => string): JsonObject => ({
  ...body,
  output: (body['output'] as JsonObject[]).map((item) =>
    item['type'] === 'message'
      ? {
          ...item,
          content: (item['content'] as JsonObject[]).map((part) => ({ ...part, text: change(String(part['text'])) })),
        }
      : item,
  ),
});
const inStrings = (odd: string) => (body: JsonObject) =>
  withTexts(body, (text) =>
    JSON.stringify(JSON.parse(text), (_, value: unknown) =>
      typeof value === 'string' && value.includes(' ') ? value + odd : value,
    ),
  );

describe('a synchronous answer that is odd', () => {
  it.each<[string, (body: JsonObject) => JsonObject]>([
    ['U+0000 in its id', (body) => ({ ...body, id: 'resp\0_1' })],
    ['U+0000 in its model', (body) => ({ ...body, model: 'm\0' })],
    ['U+0000 in its texts', inStrings('\0')],
    ['half of a surrogate pair in its texts', inStrings('\udc00')],
    ['an id of a megabyte', (body) => ({ ...body, id: 'x'.repeat(1_000_000) })],
    ['tokens beyond every column', (body) => ({ ...body, usage: { input_tokens: 1e20, output_tokens: 9e15 } })],
    ['negative tokens', (body) => ({ ...body, usage: { input_tokens: -1, output_tokens: -1 } })],
  ])('an answer odd by %s is a description all the same, paid for once a stage', async (_, odd) => {
    proxy.answer = odd;
    const { status, body } = await service.generate(service.request({ languages: ['en', 'fi'] }));
    expect([status, lotOf(body)['status']]).toEqual([200, 'completed']);
    expect(proxy.directCalls).toBeLessThanOrEqual(3);
  });

  it('a synchronous answer that is odd never ends in a 500 once it is paid for, whatever our own code meets', async () => {
    // No test can list every mistake, so a rule added to the table takes the place of one that the code does not
    // expect.
    await service.db.database.execute(
      `alter table batch_results add constraint odd check (language <> 'en') not valid`,
    );
    const { status, body } = await service.generate(service.request());
    await service.db.database.execute('alter table batch_results drop constraint odd');
    expect([status, body['code']]).toEqual([502, 'OPENAI_API_ERROR']);
    expect(proxy.directCalls).toBe(1);
  });
});

describe('max_cost_usd of a synchronous request', () => {
  const usageOf = async (jobId: unknown) =>
    service.db.database.query<{ cost: number; reserved: number; warnings: string[] | null }>(
      `select cost_usd::float8 as cost, reserved_usd::float8 as reserved, options->'warnings' as warnings
       from batch_jobs where id = $1`,
      [jobId],
    );
  const estimateOf = async (change: JsonObject) => {
    const { body } = await service.generate(service.request({ ...change, max_cost_usd: 1e-9 }));
    return body['estimated_cost_usd'] as number;
  };

  it('max_cost_usd of just the estimate is kept and warned of', async () => {
    const change = { languages: ['en', 'de', 'fr'] };
    const limit = await estimateOf(change);
    proxy.greedy = true;
    const { status, body } = await service.generate(service.request({ ...change, max_cost_usd: limit }));
    expect(status).toBe(200);
    expect(body['warnings']).toContain('max_cost_usd_below_worst_case');
    expect(proxy.usd(MODEL_PRICES)).toBeLessThanOrEqual(limit);
    expect(await usageOf(body['job_id'])).toMatchObject([{ reserved: 0 }]);
  });

  it('max_cost_usd above the worst case changes nothing and warns of nothing', async () => {
    const { status, body } = await service.generate(service.request({ languages: ['en', 'fi'], max_cost_usd: 5 }));
    expect([status, body['warnings'], body['pending_languages']]).toEqual([200, [], []]);
    const [job] = await usageOf(body['job_id']);
    expect(job?.cost).toBeGreaterThan(0);
    expect(job?.reserved).toBe(0);
  });

  it('max_cost_usd holds tries that broke off at their worst, and ends the lot where none is left', async () => {
    proxy.greedy = true;
    proxy.breaksDirect = () => true;
    const limit = 0.25;
    const { status, body } = await service.generate(service.request({ max_cost_usd: limit }));
    expect([status, body['code']]).toEqual([422, 'COST_LIMIT_EXCEEDED']);
    expect(proxy.directCalls).toBe(1);
    expect(proxy.usd(MODEL_PRICES)).toBeLessThanOrEqual(limit);
  });
});

describe('a synchronous job that ends every process which works on it', () => {
  /** The state that a process leaves when it dies during the job. Each try may have been paid for. */
  async function abandoned(takeovers: number, token: string | null): Promise<string> {
    const id = await aJob(service.db.database, {
      mode: 'sync',
      status: 'processing',
      stage: 'vision_analysis',
      options: { idempotent: true },
      totalImages: 1,
      awaitingVision: 1,
      lockToken: token,
      lockedUntil: new Date(Date.now() - 1000),
      takeovers,
    });
    await service.db.database.execute(
      `insert into batch_lots (job_id, position, lot_id, status) values ($1, 0, 'lot', 'processing')`,
      [id],
    );
    await service.db.database.execute(`insert into batch_lot_inputs (job_id, position, images) values ($1, 0, $2)`, [
      id,
      JSON.stringify([service.urls.car]),
    ]);
    return id;
  }

  async function endOf(id: string): Promise<{ status: string; code: string | null }> {
    for (;;) {
      await service.app.get(AbandonedJobsCron).tick();
      const [row] = await service.db.database.query<{ status: string; code: string | null }>(
        `select status, error->>'code' as code from batch_jobs where id = $1`,
        [id],
      );
      if (row !== undefined && row.status !== 'processing') return row;
    }
  }

  it('a synchronous job that ends every process which works on it is not resumed for ever', async () => {
    expect(await endOf(await abandoned(5, newId()))).toEqual({ status: 'failed', code: 'INTERRUPTED' });
    expect(proxy.directCalls).toBe(0);
  });

  it('a synchronous job that ends every process which works on it is resumed as often as processes give it back', async () => {
    expect(await endOf(await abandoned(5, null))).toEqual({ status: 'completed', code: null });
  });
});
