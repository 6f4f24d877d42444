import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileContentOptions } from '../../src/openai/files-api.js';
import { failureOf, startRig, type ClientRig } from './client-rig.js';
import { stateOf } from './circuit-state.js';
import { apiError, hangUp, json, type Behaviour } from './openai-stub.js';

let rig: ClientRig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.stop());

const LINES = [Buffer.from('{"custom_id":"0-1"}\n'), Buffer.from('{"custom_id":"1-1"}\n')];
const SIZE = LINES.reduce((sum, line) => sum + line.length, 0);

async function* lines(): AsyncGenerator<Buffer> {
  yield* LINES;
}

describe('uploadBatchInput', () => {
  const uploaded = json(200, { id: 'file-1', bytes: SIZE, filename: 'shard.jsonl' });

  it('uploadBatchInput streams a multipart form with name, purpose and content', async () => {
    rig.stub.next(uploaded);
    const file = await rig.client.files.uploadBatchInput('shard.jsonl', lines, rig.within(300));
    expect(file).toEqual({ id: 'file-1', bytes: SIZE });
    const [request] = rig.stub.requests;
    const type = request?.headers['content-type'] ?? '';
    const form = await new Response(request?.body, { headers: { 'content-type': type } }).formData();
    expect(form.get('purpose')).toBe('batch');
    const content = form.get('file') as File;
    expect(content.name).toBe('shard.jsonl');
    expect(await content.text()).toBe(Buffer.concat(LINES).toString());
  });

  it.each<[string, Behaviour]>([
    ['a 500', apiError(500, {})],
    ['a cut connection', hangUp],
    ['an answer that counts other bytes', json(200, { id: 'file-0', bytes: SIZE - 1 })],
  ])('uploadBatchInput opens the source again after %s', async (_name, behaviour) => {
    rig.stub.next(behaviour, uploaded);
    expect(await rig.client.files.uploadBatchInput('shard.jsonl', lines, rig.within(300))).toMatchObject({
      id: 'file-1',
    });
    expect(rig.stub.requests.map(({ body }) => body.includes(LINES[1] ?? ''))).toEqual([true, true]);
  });

  it.each([0, null, undefined, -1, '40', 'many', {}])(
    'uploadBatchInput asks no more of a server that counts %j bytes',
    async (bytes) => {
      rig.stub.always(json(200, { id: 'file-1', bytes }));
      const file = await rig.client.files.uploadBatchInput('shard.jsonl', lines, rig.within(300));
      expect(file).toEqual({ id: 'file-1', bytes: SIZE });
      expect(rig.stub.requests).toHaveLength(1);
      expect(stateOf(rig.circuits.of('upload_file'))).toBe('closed');
    },
  );

  it('uploadBatchInput uploads once more where other bytes are counted, and believes a server that counts them so again', async () => {
    rig.stub.always(json(200, { id: 'file-1', bytes: SIZE + 2 }));
    const file = await rig.client.files.uploadBatchInput('shard.jsonl', lines, rig.within(300));
    expect(file).toEqual({ id: 'file-1', bytes: SIZE });
    expect(rig.stub.requests).toHaveLength(2);
  });

  it('uploadBatchInput does not believe a server that counts other bytes each time, and blames nobody else for it', async () => {
    for (let count = 1; count <= 24; count += 1) rig.stub.next(json(200, { id: 'file-1', bytes: SIZE + count }));
    for (let call = 0; call < 12; call += 1) {
      const error = await failureOf(rig.client.files.uploadBatchInput('shard.jsonl', lines, rig.within(300)));
      expect(error).toMatchObject({ kind: 'rejected', code: 'upload_incomplete' });
      rig.clock.advance(1000);
    }
    expect(rig.stub.requests).toHaveLength(24);
    expect(stateOf(rig.circuits.of('upload_file'))).toBe('closed');
  });

  it('uploadBatchInput reports an error of the source as it is and does not hold OpenAI for down', async () => {
    const fault = new Error('disk');
    // oxlint-disable-next-line require-yield
    const source = async function* (): AsyncGenerator<Buffer> {
      throw fault;
    };
    const error = await failureOf(rig.client.files.uploadBatchInput('shard.jsonl', source, rig.within(300)));
    expect(error).toMatchObject({ kind: 'aborted', cause: fault, attempts: 1 });
    expect(rig.stub.requests).toHaveLength(0);
  });

  it('uploadBatchInput closes the source when the caller hangs up', async () => {
    const caller = new AbortController();
    let closed: () => void = () => undefined;
    const sourceClosed = new Promise<void>((resolve) => (closed = resolve));
    const source = async function* (): AsyncGenerator<Buffer> {
      try {
        for (;;) {
          yield Buffer.alloc(65_536);
          // Large enough to be sent, small enough never to end.
          if (!caller.signal.aborted) caller.abort();
        }
      } finally {
        closed();
      }
    };
    const options = { ...rig.within(300), signal: caller.signal };
    expect(await failureOf(rig.client.files.uploadBatchInput('shard.jsonl', source, options))).toMatchObject({
      kind: 'aborted',
    });
    await sourceClosed;
  });

  it.each(['', 'a b.jsonl', 'a"\r\nx: y', 'файл.jsonl', '.hidden', 'x'.repeat(129)])(
    'uploadBatchInput refuses the name %j',
    async (name) => {
      await expect(rig.client.files.uploadBatchInput(name, lines, rig.within(300))).rejects.toThrow(TypeError);
      expect(rig.stub.requests).toHaveLength(0);
    },
  );
});

describe('listBatchInputs', () => {
  const page = (ids: string[], more: boolean) =>
    json(200, {
      data: ids.map((id) => ({ id, filename: `${id}.jsonl`, bytes: 9, created_at: 40 })),
      has_more: more,
    });
  const listed = async () => {
    const ids: string[] = [];
    for await (const files of rig.client.files.listBatchInputs(rig.within(300))) ids.push(...files.map(({ id }) => id));
    return ids;
  };

  it('listBatchInputs gives every page', async () => {
    rig.stub.next(page(['f4', 'f3'], true), page(['f2'], false));
    expect(await listed()).toEqual(['f4', 'f3', 'f2']);
    expect(rig.stub.requests.map(({ path }) => path)).toEqual([
      '/v1/files?purpose=batch&order=desc&limit=1000',
      '/v1/files?purpose=batch&order=desc&limit=1000&after=f3',
    ]);
  });

  it('listBatchInputs ends where a server gives the same page again and again', async () => {
    rig.stub.always(page(['f1'], true));
    expect(await listed()).toEqual(['f1', 'f1']);
    expect(rig.stub.requests).toHaveLength(2);
  });
});

describe('deleteFile', () => {
  it('deleteFile takes a file that is gone for deleted', async () => {
    rig.stub.next(json(200, { id: 'file-1', deleted: true }), apiError(404, {}));
    await rig.client.files.deleteFile('file-1', rig.within(300));
    await rig.client.files.deleteFile('file-1', rig.within(300));
    expect(rig.stub.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'DELETE /v1/files/file-1',
      'DELETE /v1/files/file-1',
    ]);
    rig.stub.next(apiError(403, {}));
    expect(await failureOf(rig.client.files.deleteFile('file-1', rig.within(300)))).toMatchObject({ kind: 'auth' });
  });
});

describe('fileContent', () => {
  const CONTENT = Buffer.from(Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join(''));

  /** Serves CONTENT, with ranges or without, and cuts the connection after `bytes` when given. */
  function serve(options: { ranges?: boolean; cutAfter?: number; stallAfter?: number } = {}): Behaviour {
    return (response, { headers }) => {
      const asked = /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1];
      const start = options.ranges === true && asked !== undefined ? Number(asked) : 0;
      if (start > 0 && start >= CONTENT.length) {
        response.writeHead(416, { 'content-range': `bytes */${CONTENT.length}` }).end();
        return;
      }
      const status = start > 0 ? 206 : 200;
      const range = status === 206 ? { 'content-range': `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}` } : {};
      response.writeHead(status, { 'content-length': CONTENT.length - start, ...range });
      const until = options.cutAfter ?? options.stallAfter;
      if (until === undefined) response.end(CONTENT.subarray(start));
      else {
        response.write(CONTENT.subarray(start, start + until), () => {
          if (options.cutAfter !== undefined) response.socket?.destroy();
        });
      }
    };
  }

  async function download(options?: FileContentOptions): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of rig.client.files.fileContent('file-1', options)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  it('fileContent gives every byte', async () => {
    rig.stub.next(serve());
    expect(await download()).toBe(CONTENT.toString());
    expect(rig.stub.requests[0]).toMatchObject({ method: 'GET', path: '/v1/files/file-1/content' });
  });

  it.each([true, false])('fileContent begins at an offset (server with ranges: %s)', async (ranges) => {
    rig.stub.always(serve({ ranges }));
    expect(await download({ offset: 12_345 })).toBe(CONTENT.subarray(12_345).toString());
    expect(rig.stub.requests[0]?.headers.range).toBe('bytes=12345-');
    expect(await download({ offset: CONTENT.length })).toBe('');
  });

  it.each([true, false])('fileContent goes on where a connection broke (server with ranges: %s)', async (ranges) => {
    rig.stub.next(serve({ ranges, cutAfter: 20_000 }), apiError(502, {}), serve({ ranges, cutAfter: 25_000 }));
    rig.stub.always(serve({ ranges }));
    expect(await download()).toBe(CONTENT.toString());
    expect(rig.stub.requests).toHaveLength(4);
  });

  it('fileContent gives up when no new byte comes any more', async () => {
    rig.stub.next(serve({ ranges: true, cutAfter: 20_000 }));
    rig.stub.always(hangUp);
    expect(await failureOf(download())).toMatchObject({ kind: 'connection' });
    expect(rig.stub.requests).toHaveLength(1 + 4);
  });

  it('fileContent does not ask again for a file that is not there', async () => {
    rig.stub.always(apiError(404, { message: 'No such File object' }));
    expect(await failureOf(download())).toMatchObject({ kind: 'rejected', status: 404 });
    expect(rig.stub.requests).toHaveLength(1);
  });

  it('fileContent takes a file shorter than the offset for broken, not for empty', async () => {
    rig.stub.always(serve());
    expect(await failureOf(download({ offset: CONTENT.length + 1 }))).toMatchObject({ kind: 'broken_body' });
  });

  it('fileContent resumes when the body stalls', async () => {
    rig.stub.next(serve({ stallAfter: 20_000 }));
    rig.stub.always(serve({ ranges: true }));
    const chunks: Buffer[] = [];
    const content = rig.client.files.fileContent('file-1', { idleTimeoutMs: 60_000 });
    let received = 0;
    while (received < 20_000) {
      const chunk = (await content.next()).value as Buffer;
      chunks.push(chunk);
      received += chunk.length;
    }
    const rest = content.next();
    await rig.clock.untilWaiting();
    rig.clock.advance(60_000);
    chunks.push((await rest).value as Buffer);
    await rig.stub.connectionsClosed(1);
    for await (const chunk of content) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(CONTENT.toString());
  });

  it('fileContent closes the connection when the reader stops or the caller hangs up', async () => {
    rig.stub.always(serve({ stallAfter: 20_000 }));
    for await (const _chunk of rig.client.files.fileContent('file-1')) break;
    await rig.stub.connectionsClosed(1);

    const caller = new AbortController();
    const call = failureOf(download({ signal: caller.signal }));
    await rig.stub.arrived(2);
    caller.abort();
    expect(await call).toMatchObject({ kind: 'aborted' });
    await rig.stub.connectionsClosed(2);
    expect(rig.stub.requests).toHaveLength(2);
  });
});
