import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/json.js';
import {
  drawnCar,
  errorOf,
  greyCard,
  outputText,
  PhotoHost,
  TEST_SCHEMA,
  TestSandbox,
  visionRequest,
} from './support.js';

let sandbox: TestSandbox;
let host: PhotoHost;
let car: string;

beforeAll(async () => {
  // The day on which gpt-4.1-mini goes must not break these tests.
  sandbox = await TestSandbox.start({ SANDBOX_MODELS: '{"gpt-4.1-mini":"2999-01-14"}' });
  host = await PhotoHost.start();
  car = host.serve('car.jpg', await drawnCar());
});

afterAll(async () => {
  await sandbox.stop();
  await host.stop();
});

/** The request with one member changed; undefined removes it. */
function changed(members: JsonObject): JsonObject {
  const request: JsonObject = { ...visionRequest([car]), ...members };
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}

function withSchema(schema: unknown, name: unknown = 'damage'): JsonObject {
  return changed({ text: { format: { type: 'json_schema', name, strict: true, schema } } });
}

function withPart(part: JsonObject): JsonObject {
  return changed({ input: [{ role: 'user', content: [part] }] });
}

const many = (count: number, length = 1) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v'.repeat(length)]));

describe('what POST /v1/responses accepts', () => {
  it.each<[string, () => JsonObject, number, string | null, string | null]>([
    ['no model', () => changed({ model: undefined }), 400, 'missing_required_parameter', 'model'],
    ['an unknown model', () => changed({ model: 'gpt-nothing' }), 404, 'model_not_found', null],
    ['a model that was shut down', () => changed({ model: 'o4-mini' }), 404, 'model_not_found', null],
    ['no input', () => changed({ input: undefined }), 400, 'missing_required_parameter', 'input'],
    ['a foreign member', () => changed({ foo: 1 }), 400, 'unknown_parameter', 'foo'],
    ['a member of the chat API', () => changed({ messages: [] }), 400, 'unsupported_parameter', 'messages'],
    [
      'temperature on a reasoning model',
      () => changed({ temperature: 0 }),
      400,
      'unsupported_parameter',
      'temperature',
    ],
    ['top_p on a reasoning model', () => changed({ top_p: 1 }), 400, 'unsupported_parameter', 'top_p'],
    [
      'an effort that no model has',
      () => changed({ reasoning: { effort: 'huge' } }),
      400,
      'unsupported_value',
      'reasoning.effort',
    ],
    [
      'an effort for a model without',
      () => changed({ model: 'gpt-4.1-mini' }),
      400,
      'unsupported_parameter',
      'reasoning.effort',
    ],
    ['15 output tokens', () => changed({ max_output_tokens: 15 }), 400, 'integer_below_min_value', 'max_output_tokens'],
    ['17 pairs of metadata', () => changed({ metadata: many(17) }), 400, 'object_above_max_properties', 'metadata'],
    ['a long metadata value', () => changed({ metadata: many(1, 513) }), 400, 'string_above_max_length', 'metadata.k0'],
    [
      'a long safety_identifier',
      () => changed({ safety_identifier: 'x'.repeat(65) }),
      400,
      'string_above_max_length',
      'safety_identifier',
    ],
    ['an unknown tier', () => changed({ service_tier: 'gold' }), 400, 'invalid_value', 'service_tier'],
    [
      'no schema name',
      () => changed({ text: { format: { type: 'json_schema', strict: true, schema: TEST_SCHEMA } } }),
      400,
      'missing_required_parameter',
      'text.format.name',
    ],
    ['a schema name with a space', () => withSchema(TEST_SCHEMA, 'a b'), 400, 'invalid_value', 'text.format.name'],
    [
      'a schema that allows more members',
      () => withSchema({ ...TEST_SCHEMA, additionalProperties: true }),
      400,
      'invalid_json_schema',
      'text.format.schema',
    ],
    [
      'a schema with an optional member',
      () => withSchema({ ...TEST_SCHEMA, required: ['summary'] }),
      400,
      'invalid_json_schema',
      'text.format.schema',
    ],
    [
      'a schema with allOf',
      () => withSchema({ ...TEST_SCHEMA, allOf: [] }),
      400,
      'invalid_json_schema',
      'text.format.schema',
    ],
    [
      'a schema that is no object',
      () => withSchema({ type: 'array', items: { type: 'string' } }),
      400,
      'invalid_json_schema',
      'text.format.schema',
    ],
    [
      'no detail',
      () => withPart({ type: 'input_image', image_url: car }),
      400,
      'missing_required_parameter',
      'input[0].content[0].detail',
    ],
    [
      'an unknown detail',
      () => withPart({ type: 'input_image', image_url: car, detail: 'full' }),
      400,
      'invalid_value',
      'input[0].content[0].detail',
    ],
    ['a chat-shaped text', () => withPart({ type: 'text', text: 'x' }), 400, 'invalid_value', 'input[0].content[0]'],
    [
      'a chat-shaped image',
      () => withPart({ type: 'image_url', image_url: { url: car } }),
      400,
      'invalid_value',
      'input[0].content[0]',
    ],
    [
      'an image that is an object',
      () => withPart({ type: 'input_image', image_url: { url: car }, detail: 'low' }),
      400,
      'invalid_type',
      'input[0].content[0].image_url',
    ],
    [
      'an image without scheme',
      () => withPart({ type: 'input_image', image_url: 'car.jpg', detail: 'low' }),
      400,
      'invalid_value',
      'input[0].content[0].image_url',
    ],
    ['1,501 photos', () => visionRequest(Array.from({ length: 1501 }, () => car)), 400, 'invalid_value', 'input'],
    [
      'more tokens than the window',
      () => changed({ instructions: 'word '.repeat(900_000) }),
      400,
      'context_length_exceeded',
      'input',
    ],
  ])('POST /v1/responses refuses %s', async (_name, request, status, code, param) => {
    const answer = await sandbox.respond(request());
    expect({ status: answer.status, ...errorOf(answer) }).toMatchObject({
      status,
      code,
      param,
      type: 'invalid_request_error',
      message: expect.any(String) as string,
    });
  });

  it('POST /v1/responses takes a model without reasoning when nothing of it is sent', async () => {
    const answer = await sandbox.respond(changed({ model: 'gpt-4.1-mini', reasoning: undefined, temperature: 0.5 }));
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      model: 'gpt-4.1-mini-2025-04-14',
      usage: { output_tokens_details: { reasoning_tokens: 0 } },
    });
  });

  it('POST /v1/responses asks for a key, and for the right one where one is set', async () => {
    const none = await sandbox.call('GET', '/v1/models', undefined, { authorization: '' });
    expect({ status: none.status, ...errorOf(none) }).toMatchObject({
      status: 401,
      type: 'invalid_request_error',
      code: null,
    });
    const strict = await TestSandbox.start({ SANDBOX_API_KEY: 'sk-right' });
    const wrong = await strict.call('GET', '/v1/models');
    expect({ status: wrong.status, code: errorOf(wrong)['code'] }).toEqual({ status: 401, code: 'invalid_api_key' });
    expect((await strict.call('GET', '/v1/models', undefined, { authorization: 'Bearer sk-right' })).status).toBe(200);
    await strict.stop();
  });

  it('the sandbox answers JSON for malformed JSON and for paths that are not there', async () => {
    expect(errorOf(await sandbox.respond('{"model":'))).toMatchObject({ type: 'invalid_request_error', code: null });
    const lost = await sandbox.call('GET', '/v1/nothing');
    expect({ status: lost.status, message: errorOf(lost)['message'] }).toEqual({
      status: 404,
      message: 'Invalid URL (GET /v1/nothing)',
    });
  });
});

describe('photos', () => {
  it.each<[string, () => Promise<string>, JsonObject]>([
    [
      'that is not there',
      () => Promise.resolve(host.url('gone.jpg')),
      {
        code: 'invalid_value',
        param: 'url',
        message: expect.stringMatching(/^Error while downloading .*404/) as string,
      },
    ],
    [
      'at a private address',
      () => Promise.resolve('http://10.1.2.3/a.jpg'),
      { code: 'invalid_image_url', param: 'input' },
    ],
    [
      'that is no picture',
      () => Promise.resolve(host.serve('page.jpg', Buffer.from('<html></html>'))),
      { code: 'invalid_image_format' },
    ],
    [
      'that is cut',
      async () => host.serve('cut.jpg', (await drawnCar()).subarray(0, 3000)),
      { code: 'invalid_image_format' },
    ],
    ['that is empty', () => Promise.resolve(host.serve('empty.jpg', Buffer.alloc(0))), { code: 'empty_image_file' }],
    ['in broken base64', () => Promise.resolve('data:image/jpeg;base64,?'), { code: 'invalid_base64_image' }],
  ])('the sandbox refuses a photo %s', async (_name, url, error) => {
    const answer = await sandbox.respond(visionRequest([car, await url()]));
    expect({ status: answer.status, ...errorOf(answer) }).toMatchObject({ status: 400, ...error });
  });

  it('photos are fetched for every request, also the second time', async () => {
    const before = host.requested.filter((path) => path === '/car.jpg').length;
    await sandbox.respond(visionRequest([car]));
    await sandbox.respond(visionRequest([car]));
    expect(host.requested.filter((path) => path === '/car.jpg').length).toBe(before + 2);
  });

  it('photos decide the answer: the same again, another one otherwise, nothing for a grey card', async () => {
    const other = host.serve('other.jpg', await drawnCar('#00e5ff', 300, 230));
    const grey = host.serve('grey.jpg', await greyCard());
    const findings = async (url: string) => {
      const answer = await sandbox.respond(visionRequest([url]));
      return (JSON.parse(outputText(answer.json)) as { findings: JsonObject[] }).findings;
    };
    const first = await findings(car);
    expect(first.length).toBeGreaterThan(0);
    expect(await findings(host.serve('copy.jpg', await drawnCar()))).toEqual(first);
    expect(await findings(other)).not.toEqual(first);
    expect(await findings(grey)).toEqual([]);
  });

  it('photos are cited by the number that announces them', async () => {
    const grey = host.serve('grey.jpg', await greyCard());
    const answer = await sandbox.respond(visionRequest([grey, car]));
    const { findings } = JSON.parse(outputText(answer.json)) as { findings: { photos: number[] }[] };
    expect(findings.map(({ photos }) => photos)).toEqual(findings.map(() => [2]));
    expect(findings.length).toBeGreaterThan(0);
  });
});

describe('the answer', () => {
  it('an answer of the sandbox is a whole Response object with usage and the usual headers', async () => {
    const { status, headers, json } = await sandbox.respond(changed({ metadata: { lot: '7' } }));
    expect(status).toBe(200);
    expect(json).toMatchObject({
      id: expect.stringMatching(/^resp_/) as string,
      object: 'response',
      status: 'completed',
      error: null,
      incomplete_details: null,
      model: 'gpt-5.6-terra',
      store: false,
      metadata: { lot: '7' },
      output: [
        { type: 'reasoning', summary: [] },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', annotations: [] }] },
      ],
    });
    expect(json).not.toHaveProperty('output_text');
    const usage = json['usage'] as { input_tokens: number; output_tokens: number; total_tokens: number };
    expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens);
    expect(headers.get('x-request-id')).toMatch(/^req_/);
    expect(headers.get('openai-processing-ms')).toMatch(/^\d+$/);
    expect(headers.get('x-ratelimit-remaining-requests')).toMatch(/^\d+$/);
  });

  it('an answer of the sandbox says in every text that it is simulated, and guesses nothing', async () => {
    const answer = await sandbox.respond(visionRequest([car]));
    const value = JSON.parse(outputText(answer.json)) as {
      findings: { description: string }[];
      summary: string;
      mileage: unknown;
    };
    expect([value.summary, ...value.findings.map(({ description }) => description)]).toSatisfy((texts: string[]) =>
      texts.every((text) => text.startsWith('Simulated')),
    );
    expect(value.mileage).toBeNull();
  });

  it('an answer of the sandbox is incomplete when reasoning leaves no room for the text', async () => {
    const { json } = await sandbox.respond(changed({ max_output_tokens: 100 }));
    expect(json).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
    expect((json['usage'] as { output_tokens: number }).output_tokens).toBe(100);
  });

  it('an answer of the sandbox reads a long static prompt from the cache the second time', async () => {
    const long = changed({ instructions: `Be exact. ${'Look closely at every part. '.repeat(200)}` });
    const cached = async () => {
      const usage = (await sandbox.respond(long)).json['usage'] as { input_tokens_details: { cached_tokens: number } };
      return usage.input_tokens_details.cached_tokens;
    };
    expect(await cached()).toBe(0);
    expect(await cached()).toBeGreaterThanOrEqual(1024);
  });

  describe('the prompt cache', () => {
    const STATIC = `Be exact. ${'Look closely at every part. '.repeat(200)}`;
    const marked = { type: 'input_text', text: STATIC, prompt_cache_breakpoint: { mode: 'explicit' } };
    const asking = (lot: string, first: JsonObject, more: JsonObject = {}) =>
      changed({
        input: [
          { role: 'developer', content: [first] },
          { role: 'user', content: [{ type: 'input_text', text: lot }] },
        ],
        ...more,
      });
    const used = async (request: JsonObject) => {
      const { json } = await sandbox.respond(request);
      const usage = json['usage'] as { input_tokens: number; input_tokens_details: Record<string, number> };
      const { cached_tokens: cached = -1, cache_write_tokens: written = -1 } = usage.input_tokens_details;
      return { input: usage.input_tokens, cached, written };
    };

    it('is written and read up to a breakpoint, and nothing behind it is paid for', async () => {
      const explicit = { prompt_cache_options: { mode: 'explicit' } };
      const first = await used(asking('One car.', marked, explicit));
      expect(first.cached).toBe(0);
      expect(first.written).toBeGreaterThanOrEqual(1024);
      expect(first.written).toBeLessThan(first.input);
      expect(await used(asking('Another.', marked, explicit))).toMatchObject({ cached: first.written, written: 0 });
    });

    it('is written to the end of each request, and read by none, where no breakpoint is set', async () => {
      const { prompt_cache_breakpoint: _, ...plain } = marked;
      for (const lot of ['A third car.', 'A fourth car.']) {
        const { input, cached, written } = await used(asking(lot, plain));
        expect({ cached, written }).toEqual({ cached: 0, written: input });
      }
    });

    it('is left alone where only breakpoints count and there is none, or the prefix is short', async () => {
      const explicit = { prompt_cache_options: { mode: 'explicit' } };
      const { prompt_cache_breakpoint: _, ...plain } = marked;
      const short = { ...marked, text: 'Be exact.' };
      for (const first of [plain, short]) {
        expect(await used(asking('A fifth car.', first, explicit))).toMatchObject({ cached: 0, written: 0 });
      }
    });

    it.each([
      ['prompt_cache_options', { prompt_cache_options: { mode: 'explicit' } }],
      ['prompt_cache_breakpoint', { input: [{ role: 'developer', content: [marked] }] }],
    ])('is not controlled by %s on models before gpt-5.6', async (param, change) => {
      const answer = await sandbox.respond(changed({ model: 'gpt-4.1-mini', reasoning: null, ...change }));
      expect({ status: answer.status, ...errorOf(answer) }).toMatchObject({
        status: 400,
        code: 'unsupported_parameter',
        param,
      });
    });

    it.each([
      [{ prompt_cache_options: { mode: 'never' } }, 'prompt_cache_options.mode'],
      [{ prompt_cache_options: { ttl: '24h' } }, 'prompt_cache_options.ttl'],
      [
        { input: [{ role: 'user', content: [{ ...marked, prompt_cache_breakpoint: { mode: 'implicit' } }] }] },
        'input[0].content[0].prompt_cache_breakpoint.mode',
      ],
    ])('is not controlled by %j', async (change, param) => {
      expect(errorOf(await sandbox.respond(changed(change)))).toMatchObject({ param });
    });
  });
});

describe('models', () => {
  it('models are listed with their shutdown date; what was shut down is gone', async () => {
    const { json } = await sandbox.call('GET', '/v1/models/gpt-4.1-mini');
    expect(json).toMatchObject({ id: 'gpt-4.1-mini', object: 'model', shutdown_date: '2999-01-14' });
    const dead = await sandbox.call('GET', '/v1/models/o4-mini');
    expect({ status: dead.status, ...errorOf(dead) }).toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
    const { json: list } = await sandbox.call('GET', '/v1/models');
    const ids = (list['data'] as { id: string }[]).map(({ id }) => id);
    expect(ids).toContain('gpt-5.6-terra');
    expect(ids).not.toContain('o4-mini');
  });

  it('models go when their day has come', async () => {
    const future = await TestSandbox.start({ SANDBOX_MODELS: '{"gpt-next":"2999-01-01"}' });
    expect((await future.call('GET', '/v1/models/gpt-next')).status).toBe(200);
    await future.call('POST', '/sandbox/clock', { advanceSeconds: 1000 * 366 * 86_400 });
    expect((await future.call('GET', '/v1/models/gpt-next')).status).toBe(404);
    await future.stop();
  });
});

it('the sandbox knows no earlier response', async () => {
  const answer = await sandbox.respond({ model: 'gpt-5.6-luna', input: 'go on', previous_response_id: 'resp_1' });
  expect({ status: answer.status, code: errorOf(answer)['code'] }).toEqual({
    status: 400,
    code: 'previous_response_not_found',
  });
});
