import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/json.js';
import { changedRequest, drawnCar, errorOf, PhotoHost, TEST_SCHEMA, TestSandbox, visionRequest } from './support.js';

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

/** {@link changedRequest} of the car. */
const changed = (members: JsonObject) => changedRequest([car], members);

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
