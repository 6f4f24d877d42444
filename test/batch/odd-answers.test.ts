import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ResultRows, type RowRange } from '../../src/jobs/result-rows.js';
import type { NewResult } from '../../src/jobs/new-result.js';
import type { JsonObject } from 'openai-sandbox';
import { AnswerProxy } from '../support/answer-proxy.js';
import { BatchRig } from './rig.js';

/** Changes the text of an answer's message. */
function withText(body: JsonObject, change: (text: string) => string): JsonObject {
  const output = (body['output'] as JsonObject[]).map((item) =>
    item['type'] === 'message'
      ? {
          ...item,
          content: (item['content'] as JsonObject[]).map((part) => ({ ...part, text: change(String(part['text'])) })),
        }
      : item,
  );
  return { ...body, output };
}

/** Puts something odd into each text of the JSON that the model answered. */
function intoStrings(body: JsonObject, odd: string): JsonObject {
  return withText(body, (text) =>
    JSON.stringify(JSON.parse(text), (_, value: unknown) =>
      typeof value === 'string' && value.includes(' ') ? `${value}${odd}` : value,
    ),
  );
}

const withUsage = (usage: unknown) => (body: JsonObject) => ({ ...body, usage }) as JsonObject;

const ODD: Readonly<Record<string, (body: JsonObject) => JsonObject>> = {
  'U+0000 in the id': (body) => ({ ...body, id: 'resp\0_1' }),
  'U+0000 in the model': (body) => ({ ...body, model: 'gpt\0' }),
  'U+0000 in each text': (body) => intoStrings(body, '\0'),
  'half of a pair in each text': (body) => intoStrings(body, '\ud83d'),
  'half of a pair in the id': (body) => ({ ...body, id: 'resp_\udc00' }),
  'an id of a megabyte': (body) => ({ ...body, id: 'x'.repeat(1_000_000) }),
  'a model of a megabyte': (body) => ({ ...body, model: 'm'.repeat(1_000_000) }),
  'an id that is a number': (body) => ({ ...body, id: 7 }),
  'a model that is a list': (body) => ({ ...body, model: ['m'] }),
  'no id and no model': (body) => ({ ...body, id: null, model: null }),
  'tokens beyond every column': withUsage({ input_tokens: 1e20, output_tokens: 9e15 }),
  'negative tokens': withUsage({ input_tokens: -5, output_tokens: -1 }),
  'tokens as text': withUsage({ input_tokens: '5', output_tokens: '2', output_tokens_details: 'x' }),
  'fractions of tokens': withUsage({ input_tokens: 1.5, output_tokens: 2.25 }),
  'usage that is a list': withUsage([1, 2]),
  'usage that is text': withUsage('many\0'),
  'a status that is an object': (body) => ({ ...body, status: { a: 1 } }),
  'no output': (body) => ({ ...body, output: null }),
  'output of numbers': (body) => ({ ...body, output: [1, null, 'x'] }),
  'U+0000 for a text': (body) => withText(body, () => '\0'),
  'U+0000 in names of members': (body) => withText(body, (text) => text.replaceAll('":', '\\u0000":')),
  'a text that is nested deeply': (body) => withText(body, () => '['.repeat(20_000) + ']'.repeat(20_000)),
};

describe('an odd answer of a model', () => {
  let rig: BatchRig;
  let proxy: AnswerProxy;
  beforeEach(async () => {
    proxy = await AnswerProxy.start();
    rig = await BatchRig.start({ OPENAI_BASE_URL: proxy.url });
    proxy.target = rig.sandbox.server.baseUrl;
  });
  afterEach(async () => {
    await rig.close();
    proxy.stop();
  });

  const names = Object.keys(ODD);
  const oddOf = (position: number) => ODD[names[position] ?? ''];
  /** Each lot's answers are odd in their own way; the last two lots' are well. */
  const lots = names.length + 2;
  const wellLots = [names.length, names.length + 1];

  it('an odd answer of a model in a line costs no other lot anything', async () => {
    proxy.answer = (body, where) => {
      const [position] = where.split('-');
      return /^\d/.test(where) ? (oddOf(Number(position))?.(body) ?? body) : body;
    };
    const id = await rig.job({ lots });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
    const ended = await rig.lots(id);
    expect(wellLots.map((position) => ended[position]?.status)).toEqual(['completed', 'completed']);
    expect(await rig.results(id)).toEqual(expect.arrayContaining(wellLots.map((position) => `${position} fi`)));
    // A line in each of two batches of each stage, and at most two direct calls for a language that did not come.
    expect(Math.max(...proxy.linesOfLots().values())).toBeLessThanOrEqual(4);
    expect(proxy.directCalls).toBeLessThanOrEqual(4 * names.length);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('an odd answer of a model to a direct call ends its lot within its tries', async () => {
    // The lines are of no use, so that each lot is asked for directly.
    proxy.answer = (body, where) => {
      if (!where.startsWith('direct-')) return withText(body, () => 'no');
      return oddOf(Number(where.slice('direct-'.length)))?.(body) ?? body;
    };
    const id = await rig.job({ lots, languages: ['en'] });
    await rig.runToEnd(id);
    const ended = await rig.lots(id);
    expect(wellLots.map((position) => ended[position]?.status)).toEqual(['completed', 'completed']);
    expect(Math.max(...proxy.callsOfLots.values())).toBeLessThanOrEqual(4);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('of an odd answer of a model what is harmless is kept: the text without the character that cannot be stored', async () => {
    proxy.answer = (body, where) => (where.startsWith('0-') ? { ...intoStrings(body, '\0'), id: 'resp\0_1' } : body);
    const id = await rig.job({ lots: 2, languages: ['en'] });
    await rig.runToEnd(id);
    const rows = await rig.db.database.query<{ response_id: string; raw: unknown }>(
      'select response_id, raw from batch_results where position = 0',
    );
    expect(rows[0]?.response_id).toBe('resp_1');
    expect(JSON.stringify(rows[0]?.raw)).not.toContain('\\u0000');
    expect(proxy.directCalls).toBe(0);
  });
});

describe('the rows of a lot', () => {
  const row = (language: string, html: string): NewResult => ({
    language,
    html,
    strings: [],
    fallback: false,
    model: null,
    promptVersion: null,
    schemaVersion: null,
    responseId: null,
    usage: null,
  });
  const lines = (rows: ResultRows, range: RowRange) =>
    Buffer.concat(rows.take([range]))
      .toString()
      .split('\n').length - 1;

  it('the rows of a lot are its languages once each, whichever of them is odd', () => {
    const rows = new ResultRows('job', 'now');
    expect(lines(rows, rows.add(0, [row('en', 'a'), row('de', 'b\0'), row('fr', 'c')]))).toBe(3);
  });

  it('the rows of a lot are all gone where one cannot be encoded, and spoil no other lot', () => {
    const rows = new ResultRows('job', 'now');
    expect(() => rows.add(0, [row('en', 'a'), { ...row('de', 'b'), usage: 1n }])).toThrow(TypeError);
    expect(lines(rows, rows.add(1, [row('en', 'c')]))).toBe(1);
  });
});

describe('a lot that PostgreSQL refuses', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  /**
   * The code does not expect this. A rule added to the table takes the place of every mistake that no test can list.
   */
  const refuse = (table: string, rule: string) =>
    rig.db.database.execute(`alter table ${table} add constraint odd check (${rule}) not valid`);

  it('a lot that PostgreSQL refuses is found among its chunk; the others are kept and counted once', async () => {
    await refuse('batch_results', 'position <> 2');
    const id = await rig.job({ lots: 6, languages: ['en'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 5, failed_lots: 1 });
    const lots = await rig.lots(id);
    expect(lots.map((lot) => lot.error?.code ?? null)).toEqual([null, null, 'OPENAI_API_ERROR', null, null, null]);
    // Six lines, and the one direct call of the lot that could not be kept.
    expect(await rig.db.database.query('select calls from job_usage')).toEqual([{ calls: 7 }]);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a lot that PostgreSQL refuses completes with its English where its translation cannot be kept', async () => {
    await refuse('batch_results', `position <> 1 or language = 'en' or fallback`);
    const id = await rig.job({ lots: 3 });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3, failed_lots: 0 });
    expect(await rig.results(id)).toContain('1 fi fallback');
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a lot that PostgreSQL refuses fails alone where its checked photos cannot be written', async () => {
    await refuse('batch_lots', `position <> 1 or status <> 'processing'`);
    const id = await rig.job({ lots: 4, languages: ['en'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3, failed_lots: 1 });
    expect((await rig.lots(id))[1]).toMatchObject({ status: 'failed', error: { code: 'INTERNAL_ERROR' } });
    expect(await rig.audit(id)).toEqual([]);
  });

  it('a lot that PostgreSQL refuses is left out of the request file where no request can be made of it', async () => {
    const id = await rig.job({ lots: 3, languages: ['en'] });
    await rig.run('photos');
    // A list of photos that is none.
    await rig.db.database.execute(`update batch_lot_inputs set images = '{"a": 1}' where position = 1`);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2, failed_lots: 1 });
    expect((await rig.lots(id))[1]).toMatchObject({ error: { code: 'INTERNAL_ERROR' } });
    expect(await rig.audit(id)).toEqual([]);
  });
});
