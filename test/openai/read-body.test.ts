import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MOST_ANSWER_BYTES } from '../../src/assessment/answer-bounds.js';
import type { OpenAiError } from '../../src/openai/errors.js';
import { failureOf, startRig, type ClientRig } from './client-rig.js';
import { stateOf } from './circuit-state.js';
import { apiError, completed, json, type Behaviour } from './openai-stub.js';

let rig: ClientRig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.stop());

const MIB = 1024 * 1024;

/** Writes `{"a":"xxx…` for as long as it is read, and reports at the end how much was sent. */
function endless(status = 200, headers: Record<string, string> = {}) {
  let sent = 0;
  let ended: (bytes: number) => void;
  const bytesSent = new Promise<number>((resolve) => (ended = resolve));
  const behaviour: Behaviour = (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.write('{"a":"');
    const chunk = 'x'.repeat(65_536);
    const write = () => {
      while (!response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return;
      }
    };
    response.on('drain', write);
    response.on('close', () => ended(sent));
    write();
  };
  return { behaviour, bytesSent };
}

async function firstOf(list: AsyncIterable<unknown>): Promise<void> {
  for await (const _page of list) return;
}

/** Every call whose answer is read whole. */
const CALLS: [string, (rig: ClientRig) => Promise<unknown>][] = [
  ['responses', ({ client, within }) => client.createResponse({ model: 'm' }, within(300))],
  ['an upload', ({ client, within }) => client.files.uploadBatchInput('a.jsonl', async function* () {}, within(300))],
  ['a list of files', ({ client, within }) => firstOf(client.files.listBatchInputs(within(300)))],
  ['deleting a file', ({ client, within }) => client.files.deleteFile('file-1', within(300))],
  [
    'creating a batch',
    ({ client, within }) => client.batches.createBatch({ inputFileId: 'f', metadata: {} }, within(300)),
  ],
  ['a batch', ({ client, within }) => client.batches.retrieveBatch('batch_1', within(300))],
  ['a list of batches', ({ client, within }) => firstOf(client.batches.listBatches(within(300)))],
  ['a model', ({ client, within }) => client.models.retrieveModel('m', within(300))],
];

describe('an answer without end', () => {
  it.each(CALLS)('an answer without end of %s is cut soon and not asked for again', async (_name, call) => {
    const { behaviour, bytesSent } = endless();
    rig.stub.always(behaviour);
    expect(await failureOf(call(rig))).toMatchObject({ kind: 'too_large', retryable: false, attempts: 1 });
    // What the sockets on both sides hold comes on top.
    expect(await bytesSent).toBeLessThan(MOST_ANSWER_BYTES + 16 * MIB);
    expect(rig.stub.requests).toHaveLength(1);
  });

  it.each(CALLS)(
    'an answer without end of %s that is refused is cut too, and judged by its status',
    async (_name, call) => {
      const { behaviour, bytesSent } = endless(422);
      rig.stub.always(behaviour);
      expect(await failureOf(call(rig))).toMatchObject({ kind: 'rejected', status: 422 });
      expect(await bytesSent).toBeLessThan(16 * MIB);
    },
  );

  it('an answer without end of a file that is refused is cut too', async () => {
    const { behaviour, bytesSent } = endless(404);
    rig.stub.always(behaviour);
    expect(await failureOf(firstOf(rig.client.files.fileContent('file-1')))).toMatchObject({ status: 404 });
    expect(await bytesSent).toBeLessThan(16 * MIB);
  });

  it('an answer without end says nothing against OpenAI: only that request is lost', async () => {
    rig.stub.always((response) => response.end('x'.repeat(MOST_ANSWER_BYTES + 1)));
    for (let call = 0; call < 12; call += 1) {
      await failureOf(rig.client.createResponse({ model: 'm' }, rig.within(300)));
      rig.clock.advance(1000);
    }
    expect(stateOf(rig.circuits.of('create_response'))).toBe('closed');
  });
});

describe('an answer at its bound', () => {
  const padded = (bytes: number) => {
    const rest = JSON.stringify({ ...completed(), padding: '' }).length;
    return JSON.stringify({ ...completed(), padding: 'x'.repeat(bytes - rest) });
  };
  it('an answer at its bound is read up to the last byte', async () => {
    rig.stub.next((response) => response.end(padded(MOST_ANSWER_BYTES)));
    const { body } = await rig.client.createResponse({ model: 'm' }, rig.within(300));
    expect(body['id']).toBe('resp_1');
    rig.stub.next((response) => response.end(padded(MOST_ANSWER_BYTES + 1)));
    const error = await failureOf(rig.client.createResponse({ model: 'm' }, rig.within(300)));
    expect(error.kind).toBe('too_large');
  });

  it.each([
    ['deep', `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`],
    ['of a million values', `{"a":[${'[],'.repeat(1_000_000)}[]]}`],
  ])('an answer at its bound is not parsed when it is %s', async (_name, text) => {
    rig.stub.always((response) => response.end(text));
    const error = await failureOf(rig.client.createResponse({ model: 'm' }, rig.within(300)));
    expect(error).toMatchObject({ kind: 'too_large', attempts: 1 });
  });
});

describe('a compressed answer', () => {
  const encoded =
    (encoding: string, body: Buffer): Behaviour =>
    (response) => {
      response.writeHead(200, { 'content-encoding': encoding, 'content-length': body.length }).end(body);
    };
  const text = JSON.stringify(completed('compressed'));
  it.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['GZIP', gzipSync(text)],
  ])('a compressed answer is undone (%s)', async (encoding, body) => {
    rig.stub.next(encoded(encoding, body));
    expect((await rig.client.createResponse({ model: 'm' }, rig.within(300))).body).toMatchObject(
      completed('compressed'),
    );
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(64 * MIB, 0x20))],
    ['br', brotliCompressSync(Buffer.alloc(64 * MIB, 0x20))],
  ])('a compressed answer is measured as it is once undone (%s)', async (encoding, body) => {
    expect(body.length).toBeLessThan(MIB);
    rig.stub.always(encoded(encoding, body));
    expect(await failureOf(rig.client.createResponse({ model: 'm' }, rig.within(300)))).toMatchObject({
      kind: 'too_large',
    });
  });

  it.each(['gzip', 'br', 'deflate'])('a compressed answer that is none is broken (%s)', async (encoding) => {
    rig.stub.next(encoded(encoding, Buffer.from('{"no":"such bytes"}')), json(200, completed()));
    await rig.client.createResponse({ model: 'm' }, rig.within(300));
    expect(rig.stub.requests).toHaveLength(2);
  });

  it('a compressed answer of a file is undone while it is read', async () => {
    rig.stub.next(encoded('gzip', gzipSync('line 1\nline 2\n')));
    const chunks: Buffer[] = [];
    for await (const chunk of rig.client.files.fileContent('file-1')) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('line 1\nline 2\n');
  });

  it('a compressed answer of a file that is none is broken, and asked for again', async () => {
    rig.stub.next(encoded('gzip', Buffer.from('line 1\nline 2\n')), (response) => response.end('line 1\n'));
    await expect(rig.client.files.fileContent('file-1').next()).resolves.toMatchObject({ done: false });
    expect(rig.stub.requests).toHaveLength(2);
  });

  it('a compressed answer of a part of a file is not taken for the file', async () => {
    const part: Behaviour = (response) => {
      const body = gzipSync('line 2\n');
      response
        .writeHead(206, { 'content-encoding': 'gzip', 'content-range': `bytes 7-${6 + body.length}/99` })
        .end(body);
    };
    rig.stub.always(part);
    expect(await failureOf(firstOf(rig.client.files.fileContent('file-1', { offset: 7 })))).toMatchObject({
      kind: 'broken_body',
    });
  });
});

describe('an error in another form than OpenAI’s', () => {
  const ask = (): Promise<OpenAiError> => failureOf(rig.client.batches.retrieveBatch('batch_1', rig.within(300)));
  it.each<[string, Behaviour, { code?: string; upstreamMessage?: string }]>([
    ['a text', json(404, { error: 'no such thing' }), { upstreamMessage: 'no such thing' }],
    ['FastAPI’s', json(404, { detail: 'Not Found' }), { upstreamMessage: 'Not Found' }],
    [
      'FastAPI’s list',
      json(422, { detail: [{ msg: 'field required' }] }),
      { upstreamMessage: '[{"msg":"field required"}]' },
    ],
    [
      'members at the top',
      json(400, { object: 'error', message: 'bad', type: 'BadRequestError', code: 400 }),
      { upstreamMessage: 'bad' },
    ],
    [
      'a status for a code',
      json(400, { error: { message: 'bad', type: 'None', code: '400' } }),
      { upstreamMessage: 'bad' },
    ],
    [
      'a code at the top',
      json(400, { error: 'bad', code: 'bad_thing' }),
      { code: 'bad_thing', upstreamMessage: 'bad' },
    ],
    [
      'Azure’s inner code',
      json(400, { error: { code: null, message: 'x', innererror: { code: 'ResponsibleAIPolicyViolation' } } }),
      { code: 'ResponsibleAIPolicyViolation', upstreamMessage: 'x' },
    ],
    [
      'a page',
      (response) => response.writeHead(404).end('<html><head><style>p{}</style></head>\n<h1>404</h1> <p>Not here</p>'),
      { upstreamMessage: '404 Not here' },
    ],
    [
      'plain text',
      (response) => response.writeHead(405).end('Method Not Allowed'),
      { upstreamMessage: 'Method Not Allowed' },
    ],
    ['nothing', (response) => response.writeHead(404).end(), {}],
    ['a list', json(400, [1]), { upstreamMessage: '[1]' }],
  ])('an error in another form than OpenAI’s is read: %s', async (_name, behaviour, facts) => {
    rig.stub.always(behaviour);
    const { code, upstreamMessage } = await ask();
    expect({ code, upstreamMessage }).toEqual({ code: undefined, upstreamMessage: undefined, ...facts });
  });

  it.each([301, 304, 307])('an error in another form than OpenAI’s may be no error at all (%i)', async (status) => {
    rig.stub.always((response) => response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end());
    expect(await ask()).toMatchObject({ kind: 'rejected', status, attempts: 1 });
  });

  it('an error of OpenAI’s own form is told word for word', async () => {
    rig.stub.always(
      apiError(400, { code: 'token_limit_exceeded', message: 'Enqueued token limit reached', param: 'file' }),
    );
    expect(await ask()).toMatchObject({
      kind: 'rate_limited',
      code: 'token_limit_exceeded',
      param: 'file',
      upstreamMessage: 'Enqueued token limit reached',
      requestId: 'req_stub',
    });
  });
});
