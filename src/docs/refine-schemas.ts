import type { OpenAPIObject } from '@nestjs/swagger';

type Components = NonNullable<OpenAPIObject['components']>;
type Schema = NonNullable<Components['schemas']>[string];
type Member = Exclude<Schema, { $ref: string }>;
type Parameter = { readonly name: string; readonly in?: string; readonly schema?: Schema };

/** Schemas derived from a member's name, wherever it occurs. What a class states itself is not changed. */
const MEASURED = /_usd$|percentage$|_time$/;
const MOMENT = /_at$|^estimated_completion$|^created_(after|before)$/;
const JOB_ID = /^(job_)?id$/;

/**
 * Adds what TypeScript's types cannot express: a `number` is a whole number unless its name, or a format that it states,
 * shows that it is measured, times are RFC 3339, ids are UUIDs. It works by name, so a new member needs no further entry.
 */
export function refineSchemas(document: OpenAPIObject): OpenAPIObject {
  const schemas = Object.entries(document.components?.schemas ?? {}).map(([name, schema]): [string, Schema] => [
    name,
    'properties' in schema
      ? { ...schema, properties: mapValues(schema.properties ?? {}, (member, key) => refined(member, key)) }
      : schema,
  ]);
  return {
    ...document,
    components: { ...document.components, schemas: Object.fromEntries(schemas) },
    paths: mapValues(document.paths, (item) =>
      mapValues(item as Record<string, unknown>, (operation) => withRefinedParameters(operation)),
    ) as OpenAPIObject['paths'],
  };
}

function withRefinedParameters(operation: unknown): unknown {
  const { parameters } = operation as { parameters?: readonly Parameter[] };
  if (parameters === undefined) return operation;
  return {
    ...(operation as object),
    parameters: parameters.map((parameter) => ({
      ...(parameter.in === 'path' ? { description: pathDescription(parameter.name) } : {}),
      ...parameter,
      ...(parameter.schema === undefined ? {} : { schema: refined(parameter.schema, parameter.name) }),
    })),
  };
}

function pathDescription(name: string): string {
  return name === 'job_id' ? 'The job’s id. Any other value gives JOB_NOT_FOUND.' : 'The delivery’s id.';
}

function refined(schema: Schema, name: string): Schema {
  if ('$ref' in schema) return schema;
  const member = withoutStrayItems(schema);
  const measured = MEASURED.test(name) || member.format === 'double';
  if (member.type === 'number' && !measured) return { minimum: 0, ...member, type: 'integer' };
  if (member.type === 'number') return { minimum: 0, ...member };
  if (member.type !== 'string' || member.enum !== undefined) return member;
  if (MOMENT.test(name)) return { format: 'date-time', ...member };
  return JOB_ID.test(name) ? { format: 'uuid', ...member } : member;
}

/**
 * Nest leaves `items` with a query member that is one string outside and a list within. Generators take it for an array then,
 * and their clients send it twice for two values, which is refused.
 */
function withoutStrayItems(member: Member): Member {
  if (member.type !== 'string' || member.items === undefined) return member;
  const { items: _, ...one } = member;
  return one;
}

function mapValues<T, U>(object: Readonly<Record<string, T>>, change: (value: T, key: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}
