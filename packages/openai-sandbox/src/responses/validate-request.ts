import { ApiError, enumerate, invalid, missingParameter, wrongType, wrongValue } from '../http/api-error.js';
import { isObject, shown, typeName, type JsonObject } from '../json.js';
import type { ModelFacts, ModelTable } from '../models/model-table.js';
import { checkMetadata } from './validate-metadata.js';
import { readInput } from './validate-input.js';
import type { ResponseRequest } from './response-request.js';
import { checkStrictSchema } from './validate-schema.js';

/** Every member that POST /v1/responses knows; the real one refuses others by name. */
const KNOWN = new Set(
  (
    'background context_management conversation include input instructions max_output_tokens max_tool_calls metadata ' +
    'model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options ' +
    'prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text ' +
    'tool_choice tools top_logprobs top_p truncation user'
  ).split(' '),
);
const MOVED: Readonly<Record<string, string>> = { messages: 'input', response_format: 'text.format' };
const RENAMED: Readonly<Record<string, string>> = {
  max_tokens: 'max_output_tokens',
  max_completion_tokens: 'max_output_tokens',
};
const TIERS = ['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast'];

/**
 * As strict as the real endpoint, in the same order: members, model, input, then what the model does not take.
 * @throws ApiError with OpenAI's message, param and code
 */
export function validateRequest(value: unknown, models: ModelTable): ResponseRequest {
  if (!isObject(value)) throw invalid('Invalid request: expected a JSON object.', null, 'invalid_type');
  checkMembers(value);
  if (value['model'] === undefined) throw missingParameter('model');
  if (typeof value['model'] !== 'string') throw wrongType('model', 'a string', typeName(value['model']));
  const model = models.require(value['model']);
  checkScalars(value);
  const effort = readEffort(value, model);
  refuseSampling(value, model);
  const schema = readFormat(value);
  const input = readInput(value['input']);
  const instructions = typeof value['instructions'] === 'string' ? [value['instructions']] : [];
  const implicit = readCacheMode(value) === 'implicit';
  if (value['prompt_cache_options'] != null) refuseCacheBreakpoints('prompt_cache_options', model);
  if (input.breakpoints.length > 0) refuseCacheBreakpoints('prompt_cache_breakpoint', model);
  const whole = { texts: input.texts.length, photos: input.photos.length };
  return {
    model,
    body: value,
    texts: [...instructions, ...input.texts],
    userTexts: input.userTexts,
    photos: input.photos,
    breakpoints: [...input.breakpoints, ...(implicit ? [whole] : [])].map(({ texts, photos }) => ({
      texts: texts + instructions.length,
      photos,
    })),
    effort,
    maxOutputTokens: (value['max_output_tokens'] as number | null | undefined) ?? null,
    schema,
  };
}

function checkMembers(body: JsonObject): void {
  for (const name of Object.keys(body)) {
    if (KNOWN.has(name)) continue;
    const moved = MOVED[name] ?? RENAMED[name];
    if (moved === undefined) throw invalid(`Unknown parameter: '${name}'.`, name, 'unknown_parameter');
    const verb = name in MOVED ? 'moved' : 'been renamed';
    const message = `Unsupported parameter: '${name}'. In the Responses API, this parameter has ${verb} to '${moved}'.`;
    throw invalid(message, name, 'unsupported_parameter');
  }
}

function checkScalars(body: JsonObject): void {
  optional(body, 'instructions', 'string', 'a string');
  optional(body, 'store', 'boolean', 'a boolean');
  optional(body, 'stream', 'boolean', 'a boolean');
  optional(body, 'background', 'boolean', 'a boolean');
  optional(body, 'temperature', 'number', 'a decimal');
  optional(body, 'top_p', 'number', 'a decimal');
  for (const name of ['prompt_cache_key', 'safety_identifier', 'user']) {
    optional(body, name, 'string', 'a string');
    checkLength(name, body[name], 64);
  }
  const most = body['max_output_tokens'];
  if (most !== undefined && most !== null) {
    if (!Number.isInteger(most)) throw wrongType('max_output_tokens', 'an integer', typeName(most));
    if ((most as number) < 16) {
      const message = `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got ${shown(most)} instead.`;
      throw invalid(message, 'max_output_tokens', 'integer_below_min_value');
    }
  }
  const tier = body['service_tier'];
  if (tier !== undefined && tier !== null && !TIERS.includes(shown(tier))) {
    throw wrongValue('service_tier', tier, TIERS);
  }
  checkMetadata(body['metadata']);
  refusePrevious(body['previous_response_id']);
  for (const name of ['stream', 'background']) {
    if (body[name] === true) throw new ApiError(400, `The sandbox does not simulate '${name}'.`, { param: name });
  }
}

/** The sandbox keeps no responses, so none that a request names is known. */
function refusePrevious(id: unknown): void {
  if (id === undefined || id === null) return;
  const param = 'previous_response_id';
  if (typeof id !== 'string') throw wrongType(param, 'a string', typeName(id));
  throw invalid(`Previous response with id '${id}' not found.`, param, 'previous_response_not_found');
}

function optional(body: JsonObject, name: string, type: 'string' | 'boolean' | 'number', expected: string): void {
  const value = body[name];
  if (value !== undefined && value !== null && typeof value !== type) throw wrongType(name, expected, typeName(value));
}

function checkLength(param: string, value: unknown, most: number): void {
  if (typeof value !== 'string' || value.length <= most) return;
  const message = `Invalid '${param}': string too long. Expected a string with maximum length ${most}, but got a string with length ${value.length} instead.`;
  throw invalid(message, param, 'string_above_max_length');
}

function readEffort(body: JsonObject, model: ModelFacts): string | null {
  const reasoning = body['reasoning'];
  if (reasoning === undefined || reasoning === null) return model.efforts[0] ?? null;
  if (!isObject(reasoning)) throw wrongType('reasoning', 'an object', typeName(reasoning));
  const effort = reasoning['effort'];
  if (effort === undefined || effort === null) return model.efforts[0] ?? null;
  const param = 'reasoning.effort';
  if (typeof effort !== 'string') throw wrongType(param, 'a string', typeName(effort));
  if (model.efforts.length === 0) {
    const message = `Unsupported parameter: '${param}' is not supported with this model.`;
    throw invalid(message, param, 'unsupported_parameter');
  }
  if (!model.efforts.includes(effort)) {
    const message = `Unsupported value: '${effort}' is not supported with the '${model.id}' model. Supported values are: ${enumerate(model.efforts)}.`;
    throw invalid(message, param, 'unsupported_value');
  }
  return effort;
}

/** Reasoning models take no sampling settings at all, not even the default ones. */
function refuseSampling(body: JsonObject, model: ModelFacts): void {
  if (model.efforts.length === 0) return;
  for (const name of ['temperature', 'top_p']) {
    if (body[name] === undefined || body[name] === null) continue;
    const message = `Unsupported parameter: '${name}' is not supported with this model.`;
    throw invalid(message, name, 'unsupported_parameter');
  }
}

function readCacheMode(body: JsonObject): string {
  const name = 'prompt_cache_options';
  const options = body[name];
  if (options === undefined || options === null) return 'implicit';
  if (!isObject(options)) throw wrongType(name, 'an object', typeName(options));
  const { mode = 'implicit', ttl = '30m' } = options;
  if (mode !== 'implicit' && mode !== 'explicit') throw wrongValue(`${name}.mode`, mode, ['implicit', 'explicit']);
  if (ttl !== '30m') throw wrongValue(`${name}.ttl`, ttl, ['30m']);
  return mode;
}

/** An assumption: OpenAI documents both members for gpt-5.6 and later, and not what older models say to them. */
function refuseCacheBreakpoints(param: string, model: ModelFacts): void {
  if (model.cacheBreakpoints) return;
  const message = `Unsupported parameter: '${param}' is not supported with this model.`;
  throw invalid(message, param, 'unsupported_parameter');
}

const FORMATS = ['json_object', 'json_schema', 'text'];

function readFormat(body: JsonObject): JsonObject | null {
  const text = body['text'];
  if (text === undefined || text === null) return null;
  if (!isObject(text)) throw wrongType('text', 'an object', typeName(text));
  const format = text['format'];
  if (format === undefined || format === null) return null;
  if (!isObject(format)) throw wrongType('text.format', 'an object', typeName(format));
  if (format['type'] === undefined) throw missingParameter('text.format.type');
  if (!FORMATS.includes(shown(format['type']))) throw wrongValue('text.format.type', format['type'], FORMATS);
  if (format['type'] !== 'json_schema') return null;
  const name = format['name'];
  if (name === undefined) throw missingParameter('text.format.name');
  if (typeof name !== 'string') throw wrongType('text.format.name', 'a string', typeName(name));
  checkLength('text.format.name', name, 64);
  if (!/^[a-zA-Z0-9_-]+$/.test(name)) {
    const message = `Invalid 'text.format.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`;
    throw invalid(message, 'text.format.name', 'invalid_value');
  }
  const schema = format['schema'];
  if (schema === undefined) throw missingParameter('text.format.schema');
  if (!isObject(schema)) throw wrongType('text.format.schema', 'an object', typeName(schema));
  if (format['strict'] === true) checkStrictSchema(name, schema);
  return schema;
}
