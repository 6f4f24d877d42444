import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';
import { Ajv, type ValidateFunction } from 'ajv';
import { packagePath } from './package-path.js';

export type Schema = Readonly<Record<string, unknown>>;

/** The committed document; `check:openapi` proves that it matches the code. */
export const committed = JSON.parse(readFileSync(packagePath('openapi.json'), 'utf8')) as OpenAPIObject;

const DOCUMENT = 'openapi';
const open = validators(false);
const closed = validators(true);

/**
 * What is wrong with `value` by a schema of the document: a line each with its place; empty when it fits.
 * @param options - closed: whether a member that the schema does not name is wrong too: what we send must be in the
 *   document, while what comes in may have more
 */
export function schemaProblems(schema: Schema, value: unknown, options: { readonly closed?: boolean } = {}): string[] {
  const validate = validatorOf(schema, options.closed === true ? closed : open);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `$${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

interface Validators {
  readonly ajv: Ajv;
  readonly isClosed: boolean;
  readonly compiled: WeakMap<Schema, ValidateFunction>;
}

function validatorOf(schema: Schema, { ajv, isClosed, compiled }: Validators): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const made = ajv.compile(jsonSchema(schema, isClosed) as Schema);
  compiled.set(schema, made);
  return made;
}

/** In strict mode a keyword that Ajv does not know is an error: it would go unchecked. */
function validators(isClosed: boolean): Validators {
  const ajv = new Ajv({ allErrors: true, strictTypes: false });
  ajv.addVocabulary(['example', 'components']);
  ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  ajv.addFormat('date', /^\d{4}-\d\d-\d\d$/);
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  ajv.addFormat('double', { type: 'number', validate: Number.isFinite });
  ajv.addSchema(jsonSchema({ components: committed.components }, isClosed) as Schema, DOCUMENT);
  return { ajv, isClosed, compiled: new WeakMap() };
}

/** OpenAPI 3.0 writes three things differently from JSON Schema. */
function jsonSchema(schema: unknown, isClosed: boolean): unknown {
  if (Array.isArray(schema)) return schema.map((each) => jsonSchema(each, isClosed));
  if (typeof schema !== 'object' || schema === null) return schema;
  const changed: Record<string, unknown> = Object.fromEntries(
    Object.entries(schema).map(([key, each]) => [key, jsonSchema(each, isClosed)]),
  );
  if (typeof changed['$ref'] === 'string') changed['$ref'] = DOCUMENT + changed['$ref'];
  if (changed['nullable'] === true && Array.isArray(changed['enum'])) changed['enum'].push(null);
  if (changed['exclusiveMinimum'] === true) {
    changed['exclusiveMinimum'] = changed['minimum'];
    delete changed['minimum'];
  }
  if (isClosed && changed['type'] === 'object' && changed['properties'] !== undefined) {
    changed['additionalProperties'] ??= false;
  }
  return changed;
}
