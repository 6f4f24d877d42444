import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  customId,
  directTry,
  isDirect,
  laterTry,
  parseCustomId,
  nextTry,
  translationTry,
} from '../../src/batch/shards/tries.js';
import { readBatchLine } from '../../src/batch/lines/batch-line.js';
import { outcomeOfFailure } from '../../src/batch/lines/line-outcome.js';
import { LineWriter } from '../../src/batch/lines/line-writer.js';
import { MOST_LINE_BYTES, splitLines } from '../../src/batch/lines/line-splitter.js';
import { propertyRuns } from '../support/property-runs.js';

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function split(text: string, size: number): Promise<{ lines: string[]; ends: number[] }> {
  const lines: string[] = [];
  const ends: number[] = [];
  for await (const line of splitLines(cut(Buffer.from(text), size), 0)) {
    lines.push(String(line.bytes));
    ends.push(line.end);
  }
  return { lines, ends };
}

describe('splitLines', () => {
  it('splitLines splits at 0x0A alone, wherever the chunks end', async () => {
    const text = '{"a":"x\u2028y\u2029z\u0085"}\n{"b":"ж\\n"}\r\n\n{"last":1}';
    for (let size = 1; size <= Buffer.byteLength(text); size += 1) {
      const { lines, ends } = await split(text, size);
      expect(lines).toEqual(['{"a":"x\u2028y\u2029z\u0085"}', '{"b":"ж\\n"}\r', '{"last":1}']);
      expect(ends.at(-1)).toBe(Buffer.byteLength(text));
    }
  });

  it('splitLines passes over a line that is too long, keeps nothing of it, and goes on behind it', async () => {
    const long = 'x'.repeat(1000);
    const text = `a\n${long}\nb\n${long}${long}`;
    for (const size of [1, 7, 100, 5000]) {
      const lines: [string | undefined, number][] = [];
      for await (const { bytes, end } of splitLines(cut(Buffer.from(text), size), 0, { line: 999 })) {
        lines.push([bytes?.toString(), end]);
      }
      expect(lines).toEqual([
        ['a', 2],
        [undefined, 1003],
        ['b', 1005],
        [undefined, 3005],
      ]);
    }
  });

  it('splitLines names offsets from which the rest can be read again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary' }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 9 }),
        async (parts, size) => {
          const text = parts.map((part) => part.replaceAll('\n', ' ')).join('\n');
          const whole = await split(text, size);
          for (const [index, end] of whole.ends.entries()) {
            const rest: string[] = [];
            for await (const line of splitLines(cut(Buffer.from(text).subarray(end), size), end))
              rest.push(String(line.bytes));
            expect(rest).toEqual(whole.lines.slice(index + 1));
          }
        },
      ),
      propertyRuns(),
    );
  });
});

describe('a line without end', () => {
  const MIB = 1024 * 1024;
  /** Reports what was read, and how much memory the splitter keeps. */
  async function* repeated(chunk: Buffer, times: number, given: { bytes: number }): AsyncGenerator<Buffer> {
    for (let time = 0; time < times; time += 1) {
      given.bytes += chunk.length;
      // A copy, so that only the memory that the splitter keeps is counted.
      yield await Promise.resolve(Buffer.from(chunk));
    }
  }

  it.each([
    ['behind a good one', '{"a":1}\n', ''],
    ['before a good one', '', '\n{"b":2}'],
    ['between two', '{"a":1}\n', '\n{"b":2}\n'],
  ])('a line without end costs its own lot alone: %s', async (_name, before, after) => {
    async function* file(): AsyncGenerator<Buffer> {
      yield Buffer.from(before);
      yield* repeated(Buffer.alloc(MIB, 'x'), 12, { bytes: 0 });
      yield Buffer.from(after);
    }
    const lines: { text: string | undefined; end: number }[] = [];
    for await (const { bytes, end } of splitLines(file(), 0)) lines.push({ text: bytes?.toString(), end });
    const [good, long] = [
      lines.filter(({ text }) => text !== undefined),
      lines.filter(({ text }) => text === undefined),
    ];
    expect(good.map(({ text }) => text)).toEqual(
      [before, after].map((text) => text.trim()).filter((text) => text !== ''),
    );
    expect(long).toHaveLength(1);
    expect(long[0]?.end).toBe(before.length + 12 * MIB + (after === '' ? 0 : 1));
  });

  it('a line without end is read up to its bound and no byte further', async () => {
    for (const [size, kept] of [
      [MOST_LINE_BYTES, MOST_LINE_BYTES],
      [MOST_LINE_BYTES + 1, undefined],
    ] as const) {
      for await (const { bytes, end } of splitLines(cut(Buffer.alloc(size, 'x'), MIB), 0)) {
        expect([bytes?.length, end]).toEqual([kept, size]);
      }
    }
  });

  it('a line without end is not kept, however long it is', async () => {
    const concat = vi.spyOn(Buffer, 'concat');
    const given = { bytes: 0 };
    for await (const _line of splitLines(repeated(Buffer.alloc(MIB, 'x'), 80, given), 0)) continue;
    expect(given.bytes).toBe(80 * MIB);
    const joined = concat.mock.calls.flatMap(([chunks]) => chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    expect(Math.max(...joined)).toBeLessThan(MOST_LINE_BYTES + 2 * MIB);
    concat.mockRestore();
  });

  it('a line without end ends where the file has more than its lots can have brought', async () => {
    const given = { bytes: 0 };
    const lines = splitLines(repeated(Buffer.from('{"a":1}\n'.repeat(1000)), 1000, given), 0, { file: 100_000 });
    let count = 0;
    for await (const _line of lines) count += 1;
    expect(given.bytes).toBeLessThan(120_000);
    expect(count).toBe(given.bytes / 8);
    given.bytes = 0;
    for await (const _line of splitLines(repeated(Buffer.alloc(1000, 'x'), 1000, given), 0, { file: 100_000 }))
      count += 1;
    expect(given.bytes).toBeLessThan(120_000);
  });
});

describe('attempts', () => {
  it('two shards of a range and model stage never get the same number of tries', () => {
    const visions = [0, laterTry(0), laterTry(laterTry(0))].flatMap((first) => {
      const second = nextTry(first);
      return [first, second, directTry(first), directTry(second)];
    });
    const translations = visions.map(translationTry).flatMap((first) => {
      const second = nextTry(first);
      return [first, second, directTry(first), directTry(second)];
    });
    for (const attempts of [visions, translations]) expect(new Set(attempts).size).toBe(attempts.length);
  });

  it('lots are asked for directly after two batches', () => {
    const second = nextTry(0);
    expect([isDirect(0), isDirect(second), isDirect(nextTry(second))]).toEqual([false, false, true]);
    expect(directTry(directTry(0))).toBe(directTry(0));
  });

  it("a line's id is read where it is the job's own, and no other", () => {
    expect(parseCustomId(customId(49_999, 31))).toEqual({ position: 49_999, attempt: 31 });
    for (const id of ['', '1', '1-', '-1-2', '1-2-3', ' 1-2', 7, null]) expect(parseCustomId(id)).toBeUndefined();
  });
});

describe('readBatchLine', () => {
  const read = (line: unknown) => readBatchLine(Buffer.from(typeof line === 'string' ? line : JSON.stringify(line)));
  const body = { id: 'resp_1', status: 'completed', output: [], usage: { input_tokens: 5, output_tokens: 2 } };

  it.each([
    [
      'an answer',
      { custom_id: '1-0', response: { status_code: 200, body }, error: null },
      { kind: 'answer', responseId: 'resp_1' },
    ],
    [
      'a BOM before it',
      `\uFEFF{"custom_id":"1-0","response":{"status_code":200,"body":${JSON.stringify(body)}}}`,
      { kind: 'answer' },
    ],
    [
      'an HTTP error',
      {
        custom_id: '1-0',
        response: { status_code: 429, body: { error: { code: 'rate_limit_exceeded' } } },
        error: null,
      },
      { kind: 'failure', failure: 'rate_limited' },
    ],
    [
      'a line that never ran',
      { custom_id: '1-0', response: null, error: { code: 'batch_expired', message: 'x' } },
      { kind: 'failure', retryable: true },
    ],
    [
      'a status of 0',
      { custom_id: '1-0', response: { status_code: 0, body: null } },
      { kind: 'failure', retryable: true },
    ],
    [
      'a failed download of a photo',
      {
        custom_id: '1-0',
        response: {
          status_code: 400,
          body: {
            error: { code: 'invalid_value', param: 'url', message: 'Timeout while downloading https://a.test/1.jpg' },
          },
        },
      },
      { failure: 'image' },
    ],
    [
      'a failure inside a 200, billed',
      {
        custom_id: '1-0',
        response: { status_code: 200, body: { ...body, status: 'failed', error: { code: 'server_error' } } },
      },
      { kind: 'failure', usage: { input: 5, output: 2 } },
    ],
  ])('readBatchLine tells %s', (_name, line, expected) => {
    expect(read(line)).toMatchObject({ position: 1, attempt: 0, ...expected });
  });

  const answer = { ...body, output: [{ type: 'message', content: [{ type: 'output_text', text: '{}' }] }] };
  it.each<[string, unknown]>([
    ['a status in text', { status_code: '200', body: answer }],
    ['no status', { body: answer }],
    ['a status of 0 beside an answer', { status_code: 0, body: answer }],
    ['a body that is a text of JSON', { status_code: 200, body: JSON.stringify(answer) }],
    ['a text with a byte order mark', { status_code: 200, body: `\uFEFF${JSON.stringify(answer)}` }],
    ['the answer in place of the response', answer],
    ['no status in the answer', { status_code: 200, body: { ...answer, status: undefined } }],
    ['an error that says nothing', { status_code: 200, body: { ...answer, error: {} } }],
  ])('readBatchLine reads an answer that is there, so that it is paid for once: %s', (_name, response) => {
    expect(read({ custom_id: '1-0', response, error: null })).toMatchObject({
      kind: 'answer',
      responseId: 'resp_1',
      usage: { input: 5, output: 2 },
      body: { output: answer.output },
    });
  });

  it.each<[string, unknown, string]>([
    ['invalid_prompt', { status_code: 400, body: { error: { code: 'invalid_prompt', message: 'x' } } }, 'refused'],
    ['Azure’s filter', { status_code: 400, body: { error: { code: 'content_filter', message: 'x' } } }, 'refused'],
    [
      'a filter inside a 200',
      { status_code: 200, body: { ...body, status: 'failed', error: { code: 'invalid_prompt' } } },
      'refused',
    ],
    ['a status in text', { status_code: '500', body: { error: { message: 'x' } } }, 'server'],
    ['a text for an error', { status_code: 429, body: { error: 'slow down' } }, 'rate_limited'],
    ['a page', { status_code: 502, body: '<html>' }, 'server'],
    ['a page in a 200', { status_code: 200, body: '<html>' }, 'broken_body'],
    ['a text of JSON with an error', { status_code: 400, body: '{"error":{"code":"invalid_image_url"}}' }, 'image'],
    ['too deep a body', { status_code: 200, body: `{"a":${'['.repeat(200)}${']'.repeat(200)}}` }, 'broken_body'],
  ])('readBatchLine tells a failure: %s', (_name, response, failure) => {
    expect(read({ custom_id: '1-0', response, error: null })).toMatchObject({ kind: 'failure', failure });
  });

  it("each kind of failure of a line becomes its lot's end", () => {
    expect(outcomeOfFailure('refused')).toMatchObject({ kind: 'failed', error: { code: 'REFUSED' } });
    expect(outcomeOfFailure('rejected')).toMatchObject({ kind: 'failed', error: { code: 'OPENAI_API_ERROR' } });
    expect(outcomeOfFailure('too_large').kind).toBe('retry');
    expect(outcomeOfFailure('image').kind).toBe('direct');
  });

  it('readBatchLine parses no line of more values than an answer has', () => {
    const parse = vi.spyOn(JSON, 'parse');
    expect(read(`{"custom_id":"1-0","response":[${'[],'.repeat(250_000)}0]}`)).toBeUndefined();
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  it.each([
    '',
    '{"custom_id":"1-0","resp',
    '[]',
    'null',
    '{"custom_id":"other"}',
    '{"custom_id":"1-0","response":null,"error":null}',
  ])('readBatchLine takes %j for a line that never came', (line) => expect(read(line)).toBeUndefined());
});

describe('LineWriter', () => {
  it('LineWriter writes whole lines of JSON, larger than its first buffer too', () => {
    const writer = new LineWriter();
    const middles = ['1', `"${'ж\u2028'.repeat(300_000)}"`, '3'];
    const sizes = middles.map((middle, index) =>
      writer.add(`${index}-0`, Buffer.from('{"a":'), middle, Buffer.from('}')),
    );
    writer.drop(sizes.at(-1) ?? 0);
    const lines = writer.take().toString().split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => (JSON.parse(line) as { custom_id: string; body: { a: unknown } }).body.a)).toEqual(
      middles.slice(0, 2).map((middle) => JSON.parse(middle) as unknown),
    );
  });
});
