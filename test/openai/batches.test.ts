import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseBatch, type UpstreamBatch } from '../../src/openai/batches-api.js';
import { failureOf, startRig, type ClientRig } from './client-rig.js';
import { apiError, cutBody, hangUp, html, json, silence, type Behaviour } from './openai-stub.js';

let rig: ClientRig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.stop());

const NEW = { inputFileId: 'file-1', metadata: { key: 'job/vision/0/1/1' } };

function batch(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { id, object: 'batch', status: 'in_progress', input_file_id: 'file-1', created_at: 1_700_000_000, ...more };
}

describe('createBatch', () => {
  it('createBatch asks for a 24 h batch on the Responses API and returns it', async () => {
    rig.stub.next(json(200, batch('batch_1', { metadata: NEW.metadata })));
    const created = await rig.client.batches.createBatch(NEW, rig.within(30));
    expect(created).toMatchObject({ id: 'batch_1', status: 'in_progress', terminal: false, metadata: NEW.metadata });
    expect(created.createdAt).toEqual(new Date('2023-11-14T22:13:20Z'));
    expect(JSON.parse(String(rig.stub.requests[0]?.body))).toEqual({
      input_file_id: 'file-1',
      endpoint: '/v1/responses',
      completion_window: '24h',
      metadata: NEW.metadata,
    });
  });

  it.each<[string, Behaviour, boolean]>([
    ['400', apiError(400, { code: 'invalid_value' }), true],
    ['429', apiError(429, { code: 'rate_limit_exceeded' }), true],
    ['429 out of quota', apiError(429, { code: 'insufficient_quota' }), true],
    ['408', apiError(408, {}), false],
    ['500', apiError(500, {}), false],
    ['a cut connection', hangUp, false],
    ['a cut body', cutBody, false],
    ['HTML with 200', html, false],
    ['a batch without an id', json(200, { object: 'batch', status: 'validating' }), false],
  ])('createBatch is sent once, and %s says whether nothing was made', async (_name, behaviour, notCreated) => {
    rig.stub.always(behaviour);
    const error = await failureOf(rig.client.batches.createBatch(NEW, rig.within(30)));
    expect(error.notCreated).toBe(notCreated);
    expect(rig.stub.requests).toHaveLength(1);
  });

  it('createBatch leaves the outcome open when the deadline passes in it', async () => {
    rig.stub.always(silence);
    const call = failureOf(rig.client.batches.createBatch(NEW, rig.within(30)));
    await rig.stub.arrived(1);
    rig.clock.advance(30_000);
    expect(await call).toMatchObject({ kind: 'timeout', notCreated: false });
  });

  it('createBatch knows that nothing was made when nothing was sent', async () => {
    const caller = AbortSignal.abort();
    const aborted = await failureOf(rig.client.batches.createBatch(NEW, { ...rig.within(30), signal: caller }));
    expect(aborted).toMatchObject({ kind: 'aborted', notCreated: true });
    expect(await failureOf(rig.client.batches.createBatch(NEW, rig.within(-1)))).toMatchObject({
      kind: 'timeout',
      notCreated: true,
    });
    expect(rig.stub.requests).toHaveLength(0);
  });
});

describe('retrieveBatch', () => {
  it('retrieveBatch tries again after trouble and says 404 plainly', async () => {
    rig.stub.next(apiError(500, {}), json(200, batch('batch_1', { status: 'completed', error_file_id: '' })));
    expect(await rig.client.batches.retrieveBatch('batch_1', rig.within(300))).toMatchObject({
      terminal: true,
      errorFileId: undefined,
    });
    expect(rig.stub.requests.map(({ path }) => path)).toEqual(['/v1/batches/batch_1', '/v1/batches/batch_1']);
    rig.stub.next(apiError(404, { message: "No batch found with id 'batch_2'." }));
    const error = await failureOf(rig.client.batches.retrieveBatch('batch_2', rig.within(300)));
    expect(error).toMatchObject({ kind: 'rejected', status: 404, attempts: 1 });
  });
});

describe('cancelBatch', () => {
  it('cancelBatch cancels a batch', async () => {
    rig.stub.next(json(200, batch('batch_1', { status: 'cancelling' })));
    expect(await rig.client.batches.cancelBatch('batch_1', rig.within(300))).toMatchObject({ status: 'cancelling' });
    expect(rig.stub.requests[0]).toMatchObject({ method: 'POST', path: '/v1/batches/batch_1/cancel' });
  });

  it.each([400, 409])('cancelBatch reads the batch again when it cannot be cancelled any more (%s)', async (status) => {
    rig.stub.next(
      apiError(status, { message: 'Cannot cancel a batch with status completed' }),
      json(200, batch('batch_1', { status: 'completed' })),
    );
    expect(await rig.client.batches.cancelBatch('batch_1', rig.within(300))).toMatchObject({ status: 'completed' });
    expect(rig.stub.requests).toHaveLength(2);
  });

  it('cancelBatch does not hide an unknown id', async () => {
    rig.stub.always(apiError(404, {}));
    expect(await failureOf(rig.client.batches.cancelBatch('batch_9', rig.within(300)))).toMatchObject({ status: 404 });
    expect(rig.stub.requests).toHaveLength(1);
  });
});

describe('listBatches', () => {
  async function ids(pages: AsyncGenerator<UpstreamBatch[]>): Promise<string[][]> {
    const list: string[][] = [];
    for await (const page of pages) list.push(page.map(({ id }) => id));
    return list;
  }

  it('listBatches goes through the pages, and only as far as it is asked', async () => {
    const pages = [
      json(200, { data: [batch('b4'), batch('b3')], has_more: true }),
      json(200, { data: [batch('b2'), { object: 'batch' }, batch('b1')], has_more: false }),
    ];
    rig.stub.next(...pages);
    expect(await ids(rig.client.batches.listBatches(rig.within(300)))).toEqual([
      ['b4', 'b3'],
      ['b2', 'b1'],
    ]);
    expect(rig.stub.requests.map(({ path }) => path)).toEqual([
      '/v1/batches?limit=100',
      '/v1/batches?limit=100&after=b3',
    ]);
    rig.stub.next(...pages);
    for await (const page of rig.client.batches.listBatches({ ...rig.within(300), after: 'b5' })) {
      expect(page.map(({ id }) => id)).toEqual(['b4', 'b3']);
      break;
    }
    expect(rig.stub.requests).toHaveLength(3);
    expect(rig.stub.requests[2]?.path).toBe('/v1/batches?limit=100&after=b5');
  });

  it('listBatches ends when the server repeats itself, and at an empty page', async () => {
    rig.stub.always(json(200, { data: [batch('b1')], has_more: true }));
    expect(await ids(rig.client.batches.listBatches(rig.within(300)))).toEqual([['b1'], ['b1']]);
    rig.stub.always(json(200, { data: [], has_more: true }));
    expect(await ids(rig.client.batches.listBatches(rig.within(300)))).toEqual([]);
  });
});

describe('parseBatch', () => {
  it('parseBatch reads what is null, empty, missing or unknown', () => {
    const sparse = batch('b1', {
      status: 'reticulating',
      output_file_id: null,
      error_file_id: '',
      request_counts: null,
      errors: null,
      metadata: null,
      expires_at: null,
    });
    expect(parseBatch(sparse)).toEqual({
      id: 'b1',
      status: 'reticulating',
      terminal: false,
      inputFileId: 'file-1',
      outputFileId: undefined,
      errorFileId: undefined,
      createdAt: new Date('2023-11-14T22:13:20Z'),
      counts: { total: 0, completed: 0, failed: 0 },
      errors: [],
      metadata: {},
    });
  });

  it('parseBatch reads why validation failed', () => {
    const data = [{ code: 'token_limit_exceeded', message: 'Enqueued token limit', line: null, param: null }];
    expect(parseBatch(batch('b1', { status: 'failed', errors: { object: 'list', data } }))).toMatchObject({
      terminal: true,
      errors: [{ code: 'token_limit_exceeded', message: 'Enqueued token limit', line: undefined }],
    });
  });
});
