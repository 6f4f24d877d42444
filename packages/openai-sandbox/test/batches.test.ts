import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/json.js';
import { content, createBatch, createFrom, inState, line, lines, results, upload, whenDone } from './batch-support.js';
import { errorOf, TestSandbox } from './support.js';

let sandbox: TestSandbox;

beforeEach(async () => {
  sandbox = await TestSandbox.start();
});

afterEach(() => sandbox.stop());

const idsOf = (list: readonly { custom_id: string }[]) => list.map(({ custom_id }) => custom_id);
const usageTotal = (body: JsonObject = {}) => Number((body['usage'] as JsonObject)['total_tokens']);
const expected = (count: number) => idsOf(lines(count) as { custom_id: string }[] & JsonObject[]);

describe('a batch', () => {
  it('a batch of the sandbox runs to its end; every line comes out once, in another order', async () => {
    const batch = await createBatch(sandbox, lines(300), { metadata: { shard: 's1' } });
    expect(batch).toMatchObject({
      object: 'batch',
      endpoint: '/v1/responses',
      status: 'validating',
      completion_window: '24h',
      metadata: { shard: 's1' },
      model: 'gpt-5.6-luna',
    });
    for (const absent of ['errors', 'output_file_id', 'completed_at']) expect(batch).not.toHaveProperty(absent);
    expect(Number(batch['expires_at']) - Number(batch['created_at'])).toBe(86_400);
    const done = await inState(sandbox, batch);
    expect(done).toMatchObject({ status: 'completed', request_counts: { total: 300, completed: 300, failed: 0 } });
    expect([undefined, '']).toContain(done['error_file_id']);
    const output = await results(sandbox, done['output_file_id']);
    expect(idsOf(output)).not.toEqual(expected(300));
    expect(idsOf(output).toSorted()).toEqual(expected(300).toSorted());
    expect(output[0]).toMatchObject({
      id: expect.stringMatching(/^batch_req_/) as string,
      response: { status_code: 200, body: { object: 'response', status: 'completed' } },
      error: null,
    });
    const total = output.reduce((sum, { response }) => sum + usageTotal(response?.body), 0);
    expect(usageTotal(done)).toBe(total);
    const file = await sandbox.call('GET', `/v1/files/${String(done['output_file_id'])}`);
    expect(file.json).toMatchObject({ purpose: 'batch_output' });
  });

  it('a batch of the sandbox puts what the endpoint refuses into the error file, with the HTTP error', async () => {
    const done = await inState(sandbox, await createBatch(sandbox, [line('good'), line('bad', { temperature: 1 })]));
    expect(done).toMatchObject({ status: 'completed', request_counts: { total: 2, completed: 1, failed: 1 } });
    expect(await results(sandbox, done['error_file_id'])).toMatchObject([
      {
        custom_id: 'bad',
        response: { status_code: 400, body: { error: { code: 'unsupported_parameter' } } },
        error: null,
      },
    ]);
    expect(idsOf(await results(sandbox, done['output_file_id']))).toEqual(['good']);
  });

  it('a batch of the sandbox completes with nothing but an error file when every line fails', async () => {
    await sandbox.faults({ action: 'line_status', status: 500 });
    const done = await inState(sandbox, await createBatch(sandbox, lines(3)));
    expect(done).toMatchObject({
      status: 'completed',
      request_counts: { completed: 0, failed: 3 },
    });
    expect(done).not.toHaveProperty('output_file_id');
    expect(await results(sandbox, done['error_file_id'])).toHaveLength(3);
  });

  it('a batch of the sandbox is listed newest first, also when nobody knows of it', async () => {
    const made: unknown[] = [];
    for (let index = 0; index < 3; index++)
      made.push((await createBatch(sandbox, lines(1), { metadata: { shard: 'x' } }))['id']);
    const first = (await sandbox.call('GET', '/v1/batches?limit=2')).json;
    expect((first['data'] as JsonObject[]).map(({ id }) => id)).toEqual([made[2], made[1]]);
    const rest = (await sandbox.call('GET', `/v1/batches?limit=2&after=${String(first['last_id'])}`)).json;
    expect([(rest['data'] as JsonObject[]).map(({ id }) => id), rest['has_more']]).toEqual([[made[0]], false]);
    expect((await sandbox.call('GET', '/v1/batches?limit=101')).status).toBe(400);
    const counted = (await sandbox.call('GET', '/sandbox/batches?metadata=shard')).json;
    expect(counted).toMatchObject({ created: 3, by_metadata: { x: 3 } });
  });

  it.each<[string, JsonObject, string | null]>([
    ['an endpoint', { endpoint: '/v1/other' }, 'invalid_value'],
    ['a window', { completion_window: '48h' }, 'invalid_value'],
    ['metadata', { metadata: { k: 'v'.repeat(513) } }, 'string_above_max_length'],
    ['a file', { input_file_id: 'file-gone' }, null],
    ['a member', { priority: 1 }, 'unknown_parameter'],
    ['an output life', { output_expires_after: { anchor: 'created_at', seconds: 60 } }, 'invalid_value'],
  ])('a batch of the sandbox is refused for %s', async (_name, members, code) => {
    const file = await upload(sandbox, JSON.stringify(line('a')));
    const answer = await createFrom(sandbox, String(file.json['id']), members);
    expect({ status: answer.status, code: errorOf(answer)['code'] }).toEqual({ status: 400, code });
  });
});

describe('validation', () => {
  it.each<[string, (JsonObject | string)[], string, number | null]>([
    ['a line that is no JSON', [line('a'), '{"custom_id":'], 'invalid_json_line', 2],
    ['a BOM', [`\uFEFF${JSON.stringify(line('a'))}`], 'invalid_json_line', 1],
    ['the same custom_id twice', [line('a'), line('b'), line('a')], 'duplicate_custom_id', 3],
    ['two models', [line('a'), line('b', { model: 'gpt-5.6-terra' })], 'mismatched_model', 2],
    ['a model that is gone', [line('a', { model: 'o4-mini' })], 'model_not_found', 1],
    ['another endpoint', [{ ...line('a'), url: '/v1/chat/completions' }], 'invalid_url', 1],
    ['an empty file', [''], 'empty_file', null],
  ])('the sandbox fails a batch for %s', async (_name, input, code, number) => {
    const done = await inState(sandbox, await createBatch(sandbox, input));
    expect(done).toMatchObject({ status: 'failed', errors: { object: 'list' } });
    expect(done).not.toHaveProperty('output_file_id');
    expect((done['errors'] as { data: JsonObject[] }).data[0]).toMatchObject({ code, line: number });
  });

  it('the sandbox fails a batch whose input was deleted before it was read, and creates none from a deleted file', async () => {
    const slow = await TestSandbox.start({ SANDBOX_BATCH_VALIDATE_SECONDS: '3600' });
    const batch = await createBatch(slow, lines(2));
    const fileId = String(batch['input_file_id']);
    await slow.call('DELETE', `/v1/files/${fileId}`);
    await slow.call('POST', '/sandbox/clock', { advanceSeconds: 3601 });
    const done = await inState(slow, batch);
    expect(done).toMatchObject({ status: 'failed', errors: { data: [{ message: `No such File object: ${fileId}` }] } });
    expect((await createFrom(slow, fileId)).status).toBe(400);
    await slow.stop();
  });

  it('the sandbox keeps to the limit of enqueued tokens, and counts what has ended no more', async () => {
    await sandbox.faults({ action: 'batch_stuck', state: 'finalizing', count: 1 });
    const holder = await createBatch(sandbox, lines(50));
    await inState(sandbox, holder, 'finalizing');
    await sandbox.call('POST', '/sandbox/limits', { enqueued_tokens: 20_000 });
    const refused = await inState(sandbox, await createBatch(sandbox, lines(50)));
    expect(refused).toMatchObject({ status: 'failed', errors: { data: [{ code: 'token_limit_exceeded' }] } });
    await sandbox.call('POST', `/v1/batches/${String(holder['id'])}/cancel`);
    await inState(sandbox, holder);
    expect(await inState(sandbox, await createBatch(sandbox, lines(50)))).toMatchObject({ status: 'completed' });
  });
});

describe('endings', () => {
  const remaining = async (done: JsonObject) => {
    const output = idsOf(await results(sandbox, done['output_file_id']));
    const errors = await results(sandbox, done['error_file_id']);
    return { output, errors };
  };

  it('a batch that is stuck expires by the clock, with the lines that were done', async () => {
    await sandbox.faults({ action: 'batch_stuck', state: 'in_progress', share: 0.4 });
    const batch = await createBatch(sandbox, lines(10));
    await whenDone(sandbox, batch, 4);
    await sandbox.call('POST', '/sandbox/clock', { advanceSeconds: 86_400 });
    const done = await inState(sandbox, batch);
    expect(done).toMatchObject({ status: 'expired', expired_at: expect.any(Number) as number });
    const { output, errors } = await remaining(done);
    expect(output.toSorted()).toEqual(expected(4).toSorted());
    expect(errors).toHaveLength(6);
    expect(errors[0]).toMatchObject({ response: null, error: { code: 'batch_expired' } });
  });

  it('a batch expires after a share of its lines when told to', async () => {
    await sandbox.faults({ action: 'batch_expire', share: 0.3 });
    const done = await inState(sandbox, await createBatch(sandbox, lines(10)));
    expect(done['status']).toBe('expired');
    const { output, errors } = await remaining(done);
    expect([output.length, errors.length]).toEqual([3, 7]);
  });

  it('a batch is cancelled with what was done; the rest is listed in some batches and missing in others', async () => {
    await sandbox.faults({ action: 'batch_stuck', state: 'in_progress', share: 0.5 });
    const listed = new Set<number>();
    for (let index = 0; index < 12; index++) {
      const batch = await createBatch(sandbox, lines(4));
      await whenDone(sandbox, batch, 2);
      const answer = await sandbox.call('POST', `/v1/batches/${String(batch['id'])}/cancel`);
      expect(answer.json['status']).toBe('cancelling');
      const done = await inState(sandbox, batch);
      expect(done['status']).toBe('cancelled');
      const { output, errors } = await remaining(done);
      expect(output.length).toBe(2);
      for (const { error } of errors) expect(error?.code).toBe('batch_cancelled');
      listed.add(output.length + errors.length);
    }
    expect(listed).toContain(4);
    expect(listed.size).toBeGreaterThan(1);
  });

  it('a batch cannot be cancelled once it has ended', async () => {
    const done = await inState(sandbox, await createBatch(sandbox, lines(1)));
    const answer = await sandbox.call('POST', `/v1/batches/${String(done['id'])}/cancel`);
    expect({ status: answer.status, message: errorOf(answer)['message'] }).toEqual({
      status: 409,
      message: "Cannot cancel a batch with status 'completed'.",
    });
  });

  it.each(['validating', 'in_progress', 'finalizing'])(
    'a batch stays in %s for ever when told to, and can be cancelled there',
    async (state) => {
      await sandbox.faults({ action: 'batch_stuck', state });
      const batch = await createBatch(sandbox, lines(4));
      const stuck = await inState(sandbox, batch, state);
      expect(stuck['status']).toBe(state);
      expect(stuck).not.toHaveProperty('output_file_id');
      await sandbox.call('POST', '/sandbox/clock', { advanceSeconds: 3600 });
      expect((await sandbox.call('GET', `/v1/batches/${String(batch['id'])}`)).json['status']).toBe(state);
      await sandbox.call('POST', `/v1/batches/${String(batch['id'])}/cancel`);
      expect((await inState(sandbox, batch))['status']).toBe('cancelled');
    },
  );
});

describe('faults of batches and lines', () => {
  it('a batch is not to be seen for a while after it was created, when told so', async () => {
    await sandbox.faults({ action: 'batch_hidden', seconds: 60 });
    const batch = await createBatch(sandbox, lines(1));
    const path = `/v1/batches/${String(batch['id'])}`;
    expect((await sandbox.call('GET', path)).status).toBe(404);
    expect((await sandbox.call('GET', '/v1/batches')).json['data']).toEqual([]);
    await sandbox.call('POST', '/sandbox/clock', { advanceSeconds: 61 });
    expect((await sandbox.call('GET', path)).status).toBe(200);
  });

  it('a batch is created although the answer says 500, when told so', async () => {
    await sandbox.faults({ action: 'status', status: 500, method: 'POST', path: '/v1/batches', after: true });
    const file = await upload(sandbox, JSON.stringify(line('a')));
    expect((await createFrom(sandbox, String(file.json['id']))).status).toBe(500);
    const { json } = await sandbox.call('GET', '/v1/batches');
    expect(json['data']).toMatchObject([{ input_file_id: file.json['id'] }]);
  });

  it('a batch fails with a code that was ordered, by the text of its metadata', async () => {
    await sandbox.faults({ action: 'batch_fail', code: 'token_limit_exceeded', contains: 'shard-2' });
    const one = await createBatch(sandbox, lines(1), { metadata: { key: 'shard-1' } });
    const two = await createBatch(sandbox, lines(1), { metadata: { key: 'shard-2' } });
    expect((await inState(sandbox, one))['status']).toBe('completed');
    expect(await inState(sandbox, two)).toMatchObject({
      status: 'failed',
      errors: { data: [{ code: 'token_limit_exceeded' }] },
    });
  });

  it('a batch loses, doubles, breaks and fails single lines when told to', async () => {
    const only = (id: string) => ({ contains: `"custom_id":"${id}"` });
    await sandbox.faults(
      { action: 'line_missing', ...only('lot-1') },
      { action: 'line_double', ...only('lot-2') },
      { action: 'line_broken', ...only('lot-3') },
      { action: 'line_not_run', ...only('lot-4'), code: 'batch_expired' },
      { action: 'line_status', ...only('lot-5'), status: 429 },
      { action: 'refusal', ...only('lot-6'), within: 'line' },
      { action: 'incomplete', ...only('lot-7') },
    );
    const done = await inState(sandbox, await createBatch(sandbox, lines(8)));
    const output = (await content(sandbox, done['output_file_id'])).trim().split('\n');
    const whole: JsonObject[] = [];
    let broken = 0;
    for (const text of output) {
      try {
        whole.push(JSON.parse(text) as JsonObject);
      } catch {
        broken++;
      }
    }
    expect(broken).toBe(1);
    expect(idsOf(whole as never).toSorted()).toEqual(['lot-2', 'lot-2', 'lot-6', 'lot-7', 'lot-8']);
    expect(JSON.stringify(whole.find(({ custom_id }) => custom_id === 'lot-6'))).toContain('"type":"refusal"');
    expect(whole.find(({ custom_id }) => custom_id === 'lot-7')).toMatchObject({
      response: { body: { status: 'incomplete' } },
    });
    const errors = await results(sandbox, done['error_file_id']);
    expect(errors.toSorted((a, b) => (a.custom_id < b.custom_id ? -1 : 1))).toMatchObject([
      { custom_id: 'lot-4', response: null, error: { code: 'batch_expired' } },
      { custom_id: 'lot-5', response: { status_code: 429, body: { error: { code: 'rate_limit_exceeded' } } } },
    ]);
  });

  it('faults of lines strike the same lines on every run with one seed', async () => {
    const run = async (settings: Record<string, string>) => {
      const one = await TestSandbox.start(settings);
      await one.faults({ action: 'line_status', status: 500, probability: 0.3 });
      const done = await inState(one, await createBatch(one, lines(40)));
      const failed = idsOf(await results(one, done['error_file_id'])).toSorted();
      await one.stop();
      return failed;
    };
    const first = await run({ SANDBOX_LINE_CONCURRENCY: '1' });
    expect(first.length).toBeGreaterThan(2);
    expect(await run({ SANDBOX_LINE_CONCURRENCY: '8' })).toEqual(first);
  });

  it('a fault cuts a download', async () => {
    const done = await inState(sandbox, await createBatch(sandbox, lines(50)));
    await sandbox.faults({ action: 'cut_body', path: '/v1/files/*/content', count: 1 });
    await expect(content(sandbox, done['output_file_id'])).rejects.toThrow();
    expect((await content(sandbox, done['output_file_id'])).trim().split('\n')).toHaveLength(50);
  });

  it('a fault makes a batch count what does not add up', async () => {
    await sandbox.faults({ action: 'batch_counts_off' });
    const done = await inState(sandbox, await createBatch(sandbox, lines(2)));
    expect(done['request_counts']).toEqual({ total: 5, completed: 2, failed: 0 });
  });
});
