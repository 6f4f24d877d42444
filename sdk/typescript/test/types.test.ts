import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

interface Schema {
  $ref?: string;
  type?: string;
  nullable?: boolean;
  enum?: (string | number)[];
  items?: Schema;
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
}

const path = (name: string): string => join(import.meta.dirname, name);
const { components } = JSON.parse(readFileSync(path('../../../openapi.json'), 'utf8')) as {
  components: { schemas: Record<string, Schema> };
};

/** Interfaces whose name is not that of their schema without `Dto`. */
const SCHEMAS: Record<string, string> = { ErrorAnswer: 'ErrorDto' };
const schemaOf = (name: string): string => SCHEMAS[name] ?? `${name}Dto`;

const files = [path('../src/types.ts'), path('../src/job-types.ts')];
const program = ts.createProgram(files, { strict: true, noLib: false, types: [] });
const checker = program.getTypeChecker();
const interfaces = files
  .flatMap((file) => [...(program.getSourceFile(file)?.statements ?? [])])
  .filter((each) => ts.isInterfaceDeclaration(each));

/** A type as a schema would be described: the same text for the same values. */
function describeType(type: ts.Type): string {
  if (type.isUnion()) {
    // `boolean` is a union of its two values to the compiler.
    const parts = new Set(
      type.types.map((part) => (part.flags & ts.TypeFlags.BooleanLike ? 'boolean' : describeType(part))),
    );
    parts.delete('undefined');
    return [...parts].sort().join(' | ');
  }
  if (type.isStringLiteral()) return JSON.stringify(type.value);
  if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type as ts.TypeReference);
    return `array of (${item === undefined ? '?' : describeType(item)})`;
  }
  const values = type.getStringIndexType();
  if (values !== undefined) return `object of ${checker.typeToString(values)}`;
  return checker.typeToString(type);
}

function describeSchema(schema: Schema): string {
  const parts = new Set<string>();
  const alternatives = schema.allOf ?? schema.oneOf ?? schema.anyOf;
  if (schema.$ref !== undefined) parts.add(schemaName(schema.$ref));
  else if (alternatives !== undefined) for (const each of alternatives) parts.add(describeSchema(each));
  else if (schema.enum !== undefined) for (const value of schema.enum) parts.add(JSON.stringify(value));
  else parts.add(simpleType(schema));
  if (schema.nullable === true) parts.add('null');
  return [...parts].sort().join(' | ');
}

function simpleType({ type, items, additionalProperties: values }: Schema): string {
  if (type === 'array') return `array of (${describeSchema(items ?? {})})`;
  if (type === 'integer') return 'number';
  if (type === 'object') return `object of ${typeof values === 'object' ? (values.type ?? 'unknown') : 'unknown'}`;
  return type ?? 'unknown';
}

function schemaName(reference: string): string {
  const schema = reference.split('/').at(-1) ?? '';
  const renamed = Object.entries(SCHEMAS).find(([, name]) => name === schema);
  return renamed?.[0] ?? schema.replace(/Dto$/, '');
}

function membersOfSchema(schema: Schema): Record<string, string> {
  const required = new Set(schema.required);
  return Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, member]) => [
      required.has(name) ? name : `${name}?`,
      describeSchema(member),
    ]),
  );
}

function membersOfType(declaration: ts.InterfaceDeclaration): Record<string, string> {
  return Object.fromEntries(
    checker
      .getTypeAtLocation(declaration)
      .getProperties()
      .map((member) => {
        const optional = (member.flags & ts.SymbolFlags.Optional) !== 0;
        return [optional ? `${member.name}?` : member.name, describeType(checker.getTypeOfSymbol(member))];
      }),
  );
}

/** Schemas of routes that the client has no method for: the older service's, deliveries, probes. */
const OTHERS = /^(Legacy|Delivery|Attempt|Replay|Ping|Liveness|Readiness)/;

describe('the types of the wire', () => {
  it('are there for every schema of the routes that the client has', () => {
    const wanted = Object.keys(components.schemas).filter((name) => !OTHERS.test(name));
    expect(new Set(interfaces.map(({ name }) => schemaOf(name.text)))).toEqual(new Set(wanted));
  });

  it.each(interfaces.map((declaration) => [declaration.name.text, declaration] as const))(
    '%s is as openapi.json says',
    (name, declaration) => {
      const schema = components.schemas[schemaOf(name)];
      expect(schema, `${schemaOf(name)} in openapi.json`).toBeDefined();
      expect(membersOfType(declaration)).toEqual(membersOfSchema(schema ?? {}));
    },
  );
});
