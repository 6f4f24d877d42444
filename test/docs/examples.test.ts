import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/common/service-error.js';
import { answerProblems } from './answer-check.js';
import { packagePath } from './package-path.js';
import { schemaProblems, type Schema } from './schema-check.js';

interface Content {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Record<string, { readonly value: unknown }>;
}

interface Place {
  readonly name: string;
  /** 0 for a request's body. */
  readonly status: number;
  readonly description: string;
  readonly json: Content | undefined;
}

// The committed document: schemas come from the compiler of the build, and check:openapi proves that it is current.
const document = JSON.parse(readFileSync(packagePath('openapi.json'), 'utf8')) as OpenAPIObject;

/** Every body of a request or an answer that the document describes. */
const places: Place[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries({ get: item.get, post: item.post }).flatMap(([method, operation]) => {
    if (operation === undefined) return [];
    const name = `${method} ${path}`;
    const bodies: Record<string, object | undefined> = { 0: operation.requestBody, ...operation.responses };
    return Object.entries(bodies).flatMap(([status, body]) => {
      if (body === undefined) return [];
      const { content, description = '' } = body as { content?: Record<string, Content>; description?: string };
      return [{ name: `${name} ${status}`, status: Number(status), description, json: content?.['application/json'] }];
    });
  }),
);
const errors = places.filter(({ status, name }) => status >= 400 && name.includes(' /api/'));

function examplesOf(json: Content | undefined): [name: string, value: unknown][] {
  const named = Object.entries(json?.examples ?? {}).map(([name, { value }]): [string, unknown] => [name, value]);
  return json?.example === undefined ? named : [['example', json.example], ...named];
}

describe('the examples of the OpenAPI document', () => {
  it('fit the schemas beside them', () => {
    const examples = places.flatMap(({ name, json }) =>
      examplesOf(json).map(([key, value]) => ({ place: `${name} ${key}`, schema: json?.schema ?? {}, value })),
    );
    expect(examples.length).toBeGreaterThan(25);
    for (const { place, schema, value } of examples) {
      expect({ place, problems: schemaProblems(document, schema, value) }).toEqual({ place, problems: [] });
    }
  });

  it('of errors have the status and the short text of their code', () => {
    const examples = errors.flatMap((place) =>
      examplesOf(place.json).map(([key, value]) => ({ ...place, key, value })),
    );
    expect(examples.length).toBeGreaterThan(20);
    for (const { name, status, key, value } of examples) {
      const known = ERROR_CODES[key as ErrorCode];
      expect({ name, key, status, value }).toMatchObject({
        status: known.status,
        value: { code: key, error: known.error },
      });
    }
  });
});

describe('the errors of the OpenAPI document', () => {
  it('have the schema of errors wherever they may come', () => {
    expect(errors.length).toBeGreaterThan(50);
    for (const { name, json } of errors) {
      expect({ name, schema: json?.schema }).toEqual({ name, schema: { $ref: '#/components/schemas/ErrorDto' } });
    }
  });

  it('are named by codes that have this status', () => {
    for (const { name, status, description } of errors) {
      const codes = description.match(/\b[A-Z]+_[A-Z_]+\b/g) ?? [];
      expect(codes.length, name).toBeGreaterThan(0);
      for (const code of codes) expect(ERROR_CODES[code as ErrorCode]?.status, `${name} ${code}`).toBe(status);
    }
  });
});

describe('the check itself', () => {
  it('finds what does not fit', () => {
    const schema = { $ref: '#/components/schemas/ErrorDto' };
    expect(schemaProblems(document, schema, { error: 1, message: '', code: '', details: [] })).toEqual([
      '$.request_id: is missing',
      '$.error: is not of type "string"',
      '$.details: is not of type "object"',
    ]);
  });

  it('finds what an answer has and the document has not', () => {
    const answer = { method: 'GET', path: '/ready?x=1', status: 200, contentType: 'application/json; charset=utf-8' };
    const body = { status: 'ready', database: 'ok', worker: 'ok' };
    expect(answerProblems({ ...answer, text: JSON.stringify(body) })).toEqual([]);
    expect(answerProblems({ ...answer, text: JSON.stringify({ ...body, worker: 'tired', disk: 1 }) })).toEqual([
      '$.worker: is none of ok, missing',
      '$.disk: is not in the schema',
    ]);
    expect(answerProblems({ ...answer, contentType: 'text/html' })).toEqual(['text/html is none of application/json']);
    expect(answerProblems({ ...answer, status: 418 })).toEqual(['418 is none of 200, 503']);
    const job = `/api/v1/batch-status/${'0'.repeat(8)}`;
    expect(answerProblems({ ...answer, path: job, status: 304 })).toEqual([
      '304 has no body, and application/json came',
    ]);
    expect(answerProblems({ ...answer, path: '/elsewhere', status: 418 })).toEqual([]);
  });

  it('knows formats, bounds and characters of more than one unit', () => {
    const problems = (schema: Schema, value: unknown) => schemaProblems(document, schema, value);
    expect(problems({ type: 'string', format: 'uuid' }, 'x')).toEqual(['$: is no uuid']);
    expect(problems({ type: 'string', format: 'date-time' }, '2026-01-01T00:00:00.5Z')).toEqual(['$: is no date-time']);
    expect(problems({ type: 'number', minimum: 0, exclusiveMinimum: true }, 0)).toEqual(['$: minimum']);
    expect(problems({ type: 'object', maxProperties: 1 }, { a: 1, b: 2 })).toEqual(['$: maxProperties']);
    expect(problems({ type: 'string', maxLength: 1 }, '🚗')).toEqual([]);
  });
});
