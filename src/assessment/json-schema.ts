/** The subset of JSON Schema that OpenAI's strict mode takes and that we use. */
export type JsonSchema =
  | { readonly type: 'string'; readonly enum?: readonly string[]; readonly description?: string }
  | { readonly type: 'integer' | 'boolean'; readonly description?: string }
  | { readonly type: 'array'; readonly items: JsonSchema; readonly description?: string }
  | ObjectSchema
  | { readonly $ref: string };

export interface ObjectSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
  readonly additionalProperties: false;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly description?: string;
}

/** An object with just these members, all required: what strict mode demands of every object. */
export function objectOf(properties: Readonly<Record<string, JsonSchema>>): ObjectSchema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

/** One of these strings. */
export function oneOf(codes: readonly string[], description?: string): JsonSchema {
  return { type: 'string', enum: codes, ...(description === undefined ? {} : { description }) };
}

/** Any number of these. */
export function listOf(items: JsonSchema, description?: string): JsonSchema {
  return { type: 'array', items, ...(description === undefined ? {} : { description }) };
}

const MOST_PROBLEMS = 10;

/**
 * What is wrong with `value` by `schema`, as `path: problem`, at most ten; empty when it is right. OpenAI promises
 * that a strict answer fits its schema; compatible endpoints, proxies and truncation do not.
 */
export function schemaProblems(value: unknown, schema: ObjectSchema): readonly string[] {
  const problems: string[] = [];
  check(value, schema, '$', schema.$defs ?? {}, problems);
  return problems.slice(0, MOST_PROBLEMS);
}

function check(
  value: unknown,
  schema: JsonSchema,
  path: string,
  defs: Readonly<Record<string, JsonSchema>>,
  problems: string[],
): void {
  if (problems.length >= MOST_PROBLEMS) {
    return;
  }
  if ('$ref' in schema) {
    const target = defs[schema.$ref.replace('#/$defs/', '')];
    if (target === undefined) {
      throw new Error(`schema refers to ${schema.$ref}, which it does not define`);
    }
    check(value, target, path, defs, problems);
    return;
  }
  switch (schema.type) {
    case 'string':
      if (typeof value !== 'string') {
        problems.push(`${path}: not a string`);
      } else if (schema.enum !== undefined && !schema.enum.includes(value)) {
        problems.push(`${path}: not one of the listed values`);
      }
      return;
    case 'integer':
      if (!Number.isSafeInteger(value)) {
        problems.push(`${path}: not an integer`);
      }
      return;
    case 'boolean':
      if (typeof value !== 'boolean') {
        problems.push(`${path}: not a boolean`);
      }
      return;
    case 'array':
      if (!Array.isArray(value)) {
        problems.push(`${path}: not an array`);
        return;
      }
      value.forEach((item: unknown, index) => check(item, schema.items, `${path}[${index}]`, defs, problems));
      return;
    case 'object':
      checkObject(value, schema, path, defs, problems);
  }
}

function checkObject(
  value: unknown,
  schema: ObjectSchema,
  path: string,
  defs: Readonly<Record<string, JsonSchema>>,
  problems: string[],
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push(`${path}: not an object`);
    return;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const [name, member] of Object.entries(schema.properties)) {
    if (!Object.hasOwn(members, name)) {
      problems.push(`${path}.${name}: missing`);
    } else {
      check(members[name], member, `${path}.${name}`, defs, problems);
    }
  }
  // The name is the model's: it is not repeated, so that a hostile one reaches no log.
  if (Object.keys(members).some((name) => !Object.hasOwn(schema.properties, name))) {
    problems.push(`${path}: has a member that the schema does not list`);
  }
}
