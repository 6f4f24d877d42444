import type { OpenAPIObject } from '@nestjs/swagger';

export type Schema = Readonly<Record<string, unknown>>;
type Members = Readonly<Record<string, unknown>>;

/** The keywords that the document uses; another one would go unchecked, so it is a problem itself. */
const KNOWN = new Set([
  '$ref',
  'allOf',
  'oneOf',
  'anyOf',
  'type',
  'nullable',
  'enum',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'maxProperties',
  'description',
  'example',
  'examples',
  'default',
  'format',
  'title',
  'deprecated',
  'readOnly',
  'writeOnly',
]);

const FORMATS: Readonly<Record<string, RegExp>> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
};

/**
 * What is wrong with `value` by an OpenAPI 3.0 schema: a line each with its place; empty when it fits.
 * @param closed - whether a member that the schema does not name is wrong too: what we send must be in the document, while
 * what comes in may have more
 */
export function schemaProblems(
  document: OpenAPIObject,
  schema: Schema,
  value: unknown,
  { at = '$', closed = false } = {},
): string[] {
  const unknown = Object.keys(schema).filter((keyword) => !KNOWN.has(keyword) && !keyword.startsWith('x-'));
  if (unknown.length > 0) return [`${at}: this check does not know ${unknown.join(', ')}`];
  const check = (other: Schema, inner: unknown, place: string) =>
    schemaProblems(document, other, inner, { at: place, closed });
  if (typeof schema['$ref'] === 'string') return check(resolve(document, schema['$ref']), value, at);
  if (value === null && schema['nullable'] === true) return [];
  const problems = list(schema['allOf']).flatMap((each) => check(each, value, at));
  const choices = [...list(schema['oneOf']), ...list(schema['anyOf'])];
  if (choices.length > 0 && choices.every((each) => check(each, value, at).length > 0)) {
    problems.push(`${at}: fits none of the choices`);
  }
  if (schema['type'] !== undefined && !isOfType(schema['type'], value)) {
    return [...problems, `${at}: is not of type ${JSON.stringify(schema['type'])}`];
  }
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value)) {
    problems.push(`${at}: is none of ${schema['enum'].join(', ')}`);
  }
  if (typeof schema['pattern'] === 'string' && !new RegExp(schema['pattern'], 'u').test(String(value))) {
    problems.push(`${at}: does not match ${schema['pattern']}`);
  }
  const format = FORMATS[String(schema['format'])];
  if (format !== undefined && !format.test(String(value))) problems.push(`${at}: is no ${String(schema['format'])}`);
  if (schema['exclusiveMinimum'] === true && value === schema['minimum']) problems.push(`${at}: minimum`);
  const size = sizeOf(value);
  for (const keyword of ['minItems', 'minLength', 'minimum']) {
    if (size < Number(schema[keyword] ?? -Infinity)) problems.push(`${at}: ${keyword}`);
  }
  for (const keyword of ['maxItems', 'maxLength', 'maximum']) {
    if (size > Number(schema[keyword] ?? Infinity)) problems.push(`${at}: ${keyword}`);
  }
  if (Array.isArray(value) && schema['items'] !== undefined) {
    const items = schema['items'] as Schema;
    problems.push(...value.flatMap((item, index) => check(items, item, `${at}[${index}]`)));
  }
  if (isObject(value)) problems.push(...memberProblems(check, schema, value, { at, closed }));
  return problems;
}

function memberProblems(
  check: (schema: Schema, value: unknown, at: string) => string[],
  schema: Schema,
  value: Members,
  { at, closed }: { at: string; closed: boolean },
): string[] {
  if (Object.keys(value).length > Number(schema['maxProperties'] ?? Infinity)) return [`${at}: maxProperties`];
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
  const required = (schema['required'] ?? []) as string[];
  const missing = required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at}.${name}: is missing`);
  const others = schema['additionalProperties'] ?? !(closed && schema['properties'] !== undefined);
  const members = Object.entries(value).flatMap(([name, member]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known !== undefined) return check(known, member, `${at}.${name}`);
    if (others === false) return [`${at}.${name}: is not in the schema`];
    return isObject(others) ? check(others, member, `${at}.${name}`) : [];
  });
  return [...missing, ...members];
}

/** What minLength, minItems and minimum are held against; JSON Schema counts characters, not UTF-16 units. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Array.from(value).length;
  return Array.isArray(value) ? value.length : Number(value);
}

function resolve(document: OpenAPIObject, ref: string): Schema {
  const schema = document.components?.schemas?.[ref.replace('#/components/schemas/', '')];
  if (schema === undefined) throw new Error(`${ref} is not in the document`);
  return schema as Schema;
}

function list(value: unknown): readonly Schema[] {
  return Array.isArray(value) ? (value as Schema[]) : [];
}

function isOfType(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
