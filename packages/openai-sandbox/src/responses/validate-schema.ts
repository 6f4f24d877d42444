import { ApiError, invalid } from '../http/api-error.js';
import { isObject, isStringArray, shown, type JsonObject } from '../json.js';

const MOST_PROPERTIES = 5000;
const MOST_DEPTH = 10;
const MOST_ENUM_VALUES = 1000;
const MOST_CHARACTERS = 120_000;
const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);
const FORBIDDEN = [
  'allOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependentRequired',
  'dependentSchemas',
  'patternProperties',
  'propertyNames',
  'unevaluatedProperties',
  'unevaluatedItems',
  'contains',
  'uniqueItems',
  'prefixItems',
];

interface Tally {
  properties: number;
  enumValues: number;
  characters: number;
}

/** Schemas that passed, by their text: every line of a batch carries the same one. */
const passed = new Set<string>();

/**
 * The rules of strict mode: a root object, `additionalProperties: false` and every property required on each object,
 * no keyword that cannot be enforced, and the published size limits.
 * @throws ApiError 400 invalid_json_schema that names the place
 */
export function checkStrictSchema(name: string, schema: JsonObject): void {
  const key = JSON.stringify(schema);
  if (passed.has(key)) return;
  const fail = (path: readonly string[], problem: string): ApiError =>
    invalid(
      `Invalid schema for response_format '${name}': In context=(${path.map((part) => `'${part}'`).join(', ')}), ${problem}`,
      'text.format.schema',
      'invalid_json_schema',
    );
  if (schema['type'] !== 'object' || schema['anyOf'] !== undefined) {
    throw invalid(
      `Invalid schema for response_format '${name}': schema must be a JSON Schema of 'type: "object"', got 'type: "${shown(schema['type'])}"'.`,
      'text.format.schema',
      'invalid_json_schema',
    );
  }
  const tally: Tally = { properties: 0, enumValues: 0, characters: 0 };
  checkNode(schema, schema, [], 1, tally, fail);
  for (const group of ['$defs', 'definitions']) {
    const definitions = schema[group];
    if (!isObject(definitions)) continue;
    for (const [id, node] of Object.entries(definitions)) checkNode(node, schema, [group, id], 1, tally, fail);
  }
  if (tally.properties > MOST_PROPERTIES) throw fail([], `there are more than ${MOST_PROPERTIES} properties.`);
  if (tally.enumValues > MOST_ENUM_VALUES) throw fail([], `there are more than ${MOST_ENUM_VALUES} enum values.`);
  if (tally.characters > MOST_CHARACTERS) throw fail([], `names and values exceed ${MOST_CHARACTERS} characters.`);
  if (passed.size < 1000) passed.add(key);
}

type Fail = (path: readonly string[], problem: string) => ApiError;

function checkNode(
  node: unknown,
  root: JsonObject,
  path: readonly string[],
  depth: number,
  tally: Tally,
  fail: Fail,
): void {
  if (!isObject(node)) throw fail(path, 'a schema must be an object.');
  if (depth > MOST_DEPTH) throw fail(path, `more than ${MOST_DEPTH} levels of nesting.`);
  const forbidden = FORBIDDEN.find((keyword) => node[keyword] !== undefined);
  if (forbidden !== undefined) throw fail(path, `'${forbidden}' is not permitted.`);
  if (node['$ref'] !== undefined) {
    if (typeof node['$ref'] !== 'string' || resolveRef(root, node['$ref']) === undefined) {
      throw fail(path, `reference '${shown(node['$ref'])}' cannot be resolved.`);
    }
    return;
  }
  if (Array.isArray(node['anyOf'])) {
    for (const [index, option] of node['anyOf'].entries()) {
      checkNode(option, root, [...path, 'anyOf', String(index)], depth, tally, fail);
    }
    return;
  }
  const types = Array.isArray(node['type']) ? (node['type'] as unknown[]) : [node['type']];
  const hasValues = node['enum'] !== undefined || node['const'] !== undefined;
  if (node['type'] === undefined && !hasValues) throw fail(path, `schema must have a 'type' key.`);
  if (node['type'] !== undefined && !types.every((type) => TYPES.has(String(type)))) {
    throw fail(path, `'${shown(node['type'])}' is not a valid type.`);
  }
  if (Array.isArray(node['enum'])) {
    if (node['enum'].length === 0) throw fail(path, `'enum' must not be empty.`);
    tally.enumValues += node['enum'].length;
    for (const value of node['enum']) tally.characters += String(value).length;
  }
  if (types.includes('object')) checkObject(node, root, path, depth, tally, fail);
  if (types.includes('array')) {
    if (node['items'] === undefined) throw fail(path, 'array schema missing items.');
    checkNode(node['items'], root, [...path, 'items'], depth + 1, tally, fail);
  }
}

function checkObject(
  node: JsonObject,
  root: JsonObject,
  path: readonly string[],
  depth: number,
  tally: Tally,
  fail: Fail,
): void {
  if (node['additionalProperties'] !== false) {
    throw fail(path, `'additionalProperties' is required to be supplied and to be false.`);
  }
  const properties = isObject(node['properties']) ? node['properties'] : {};
  const names = Object.keys(properties);
  const required = isStringArray(node['required']) ? node['required'] : [];
  const rule = `'required' is required to be supplied and to be an array including every key in properties.`;
  const missing = names.find((name) => !required.includes(name));
  if (missing !== undefined) throw fail(path, `${rule} Missing '${missing}'.`);
  const extra = required.find((name) => !Object.hasOwn(properties, name));
  if (extra !== undefined) throw fail(path, `${rule} Extra required key '${extra}' supplied.`);
  tally.properties += names.length;
  for (const [name, child] of Object.entries(properties)) {
    tally.characters += name.length;
    checkNode(child, root, [...path, 'properties', name], depth + 1, tally, fail);
  }
}

/** The schema that a local reference (`#/$defs/row`) names. */
export function resolveRef(root: JsonObject, ref: string): JsonObject | undefined {
  if (!ref.startsWith('#')) return undefined;
  let node: unknown = root;
  for (const step of ref.slice(1).split('/').filter(Boolean)) node = isObject(node) ? node[step] : undefined;
  return isObject(node) ? node : undefined;
}
