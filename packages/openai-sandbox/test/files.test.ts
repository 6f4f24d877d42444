import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { JsonObject } from '../src/json.js';
import { readLines } from '../src/batches/lines.js';
import { readMultipart } from '../src/files/multipart.js';
import { MOST_BATCH_BYTES } from '../src/files/upload.js';
import { Readable } from 'node:stream';
import { content, upload } from './batch-support.js';
import { errorOf, TestSandbox } from './support.js';

let sandbox: TestSandbox;

beforeEach(async () => {
  sandbox = await TestSandbox.start();
});

afterEach(() => sandbox.stop());

const ids = (list: JsonObject) => (list['data'] as { id: string }[]).map(({ id }) => id);

describe('/v1/files', () => {
  it('/v1/files keeps a file, shows it, gives its bytes back and deletes it', async () => {
    const bytes = 'первая\n\u2028вторая\r\n--x\r\n';
    const { status, json } = await upload(sandbox, bytes);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      status: 'processed',
      object: 'file',
      purpose: 'batch',
      filename: 'input.jsonl',
      bytes: Buffer.byteLength(bytes),
    });
    const path = `/v1/files/${String(json['id'])}`;
    expect((await sandbox.call('GET', path)).json).toEqual(json);
    expect(await content(sandbox, json['id'])).toBe(bytes);
    expect((await sandbox.call('DELETE', path)).json).toEqual({ id: json['id'], object: 'file', deleted: true });
    const gone = await sandbox.call('GET', path);
    expect({ status: gone.status, ...errorOf(gone) }).toMatchObject({
      status: 404,
      message: `No such File object: ${String(json['id'])}`,
    });
  });

  it('/v1/files survives a restart, and forgets what expired', async () => {
    const { json: kept } = await upload(sandbox, 'a');
    const { json: short } = await upload(sandbox, 'b', {
      purpose: 'batch',
      'expires_after[anchor]': 'created_at',
      'expires_after[seconds]': '3600',
    });
    await sandbox.server.close();
    sandbox = await TestSandbox.start({}, sandbox.stateDir);
    expect(await content(sandbox, kept['id'])).toBe('a');
    await sandbox.call('POST', '/sandbox/clock', { advanceSeconds: 3601 });
    expect((await sandbox.call('GET', `/v1/files/${String(short['id'])}`)).status).toBe(404);
    expect((await sandbox.call('GET', `/v1/files/${String(kept['id'])}`)).status).toBe(200);
  });

  it('/v1/files lists by purpose, order and page', async () => {
    const made: string[] = [];
    for (const name of ['1', '2', '3']) made.push(String((await upload(sandbox, name)).json['id']));
    await upload(sandbox, 'x', { purpose: 'user_data' });
    const list = async (query: string) => (await sandbox.call('GET', `/v1/files?purpose=batch&${query}`)).json;
    expect(ids(await list(''))).toEqual(made.toReversed());
    expect(ids(await list('order=asc'))).toEqual(made);
    const first = await list('limit=2');
    expect([first['has_more'], first['last_id']]).toEqual([true, made[1]]);
    const second = await list(`limit=2&after=${String(first['last_id'])}`);
    expect([ids(second), second['has_more']]).toEqual([[made[0]], false]);
    expect((await sandbox.call('GET', '/v1/files?limit=10001')).status).toBe(400);
  });

  it.each<[string, Record<string, string>, string, string | null]>([
    ['no purpose', {}, 'a.jsonl', 'missing_required_parameter'],
    ['an unknown purpose', { purpose: 'fun' }, 'a.jsonl', 'invalid_value'],
    ['a batch input of another kind', { purpose: 'batch' }, 'a.txt', 'invalid_file_format'],
    [
      'a life under an hour',
      { purpose: 'batch', 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': '10' },
      'a.jsonl',
      'invalid_value',
    ],
  ])('/v1/files refuses %s and keeps nothing', async (_name, fields, name, code) => {
    const answer = await upload(sandbox, 'x', fields, name);
    expect({ status: answer.status, code: errorOf(answer)['code'] }).toEqual({ status: 400, code });
    expect(await readdir(join(sandbox.stateDir, 'files'))).toEqual([]);
  });

  it('/v1/files refuses a batch input of one byte more than 200 MiB, and keeps nothing', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 0x20);
    const boundary = 'b';
    async function* body(): AsyncGenerator<Buffer> {
      yield Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n`);
      for (let sent = 0; sent < MOST_BATCH_BYTES; sent += chunk.length) yield chunk;
      yield Buffer.from(
        `x\r\n--${boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--${boundary}--\r\n`,
      );
    }
    const response = await fetch(`${sandbox.server.baseUrl}/files`, {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: Readable.toWeb(Readable.from(body())) as ReadableStream,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await readdir(join(sandbox.stateDir, 'files'))).toEqual([]);
  });

  it('/v1/files keeps nothing of an upload that breaks off', async () => {
    const { request } = await import('node:http');
    const call = request(`${sandbox.server.baseUrl}/files`, {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'content-type': 'multipart/form-data; boundary=b' },
    });
    call.on('error', () => undefined);
    call.write('--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\nbegun');
    const folder = join(sandbox.stateDir, 'files');
    while ((await readdir(folder)).length === 0);
    call.destroy();
    while ((await readdir(folder)).length > 0);
    expect((await sandbox.call('GET', '/v1/files')).json['data']).toEqual([]);
  });
});

describe('the multipart reader', () => {
  it('the multipart reader gives every part back, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.string({ maxLength: 40 }),
        fc.integer({ min: 1, max: 70 }),
        async (bytes, value, size) => {
          const field = value.replaceAll(/[\r\n]/g, ' ');
          const form = Buffer.concat([
            Buffer.from(`--zz\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n${field}\r\n--zz\r\n`),
            Buffer.from(
              'Content-Disposition: form-data; name="file"; filename="a \\"b\\".jsonl"\r\nContent-Type: x\r\n\r\n',
            ),
            bytes,
            Buffer.from('\r\n--zz--\r\n'),
          ]);
          fc.pre(!Buffer.from(bytes).includes('\r\n--zz') && !field.includes('--zz'));
          const got = { fields: [] as string[][], names: [] as string[], bytes: [] as Buffer[], ended: 0 };
          const cut = Array.from({ length: Math.ceil(form.length / size) }, (_, index) =>
            form.subarray(index * size, (index + 1) * size),
          );
          await readMultipart('multipart/form-data; boundary=zz', Readable.from(cut), {
            field: (name, text) => void got.fields.push([name, text]),
            fileStart: (name, filename) => Promise.resolve(void got.names.push(name, filename)),
            fileBytes: (part) => Promise.resolve(void got.bytes.push(Buffer.from(part))),
          });
          expect(got.fields).toEqual([['purpose', field]]);
          expect(got.names).toEqual(['file', 'a "b".jsonl']);
          expect(Buffer.concat(got.bytes).equals(Buffer.from(bytes))).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('lines', () => {
  it('lines are split at 0x0A alone, whatever the chunks', async () => {
    const text = 'a\u2028b\r\n\nпривет\n{"x":1}';
    const bytes = Buffer.from(text);
    for (let size = 1; size <= bytes.length; size++) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      const got = [];
      for await (const item of readLines(Readable.from(chunks))) got.push(item);
      expect(got).toEqual([
        { number: 1, text: 'a\u2028b\r' },
        { number: 3, text: 'привет' },
        { number: 4, text: '{"x":1}' },
      ]);
    }
  });
});
