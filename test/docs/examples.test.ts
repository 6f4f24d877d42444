import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/common/service-error.js';
import { answerProblems } from './answer-check.js';
import { committed, schemaProblems, type Schema } from './schema-check.js';

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

/** Every body of a request or an answer that the document describes. */
const places: Place[] = Object.entries(committed.paths).flatMap(([path, item]) =>
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
  it('the examples of the OpenAPI document fit the schemas beside them', () => {
    const examples = places.flatMap(({ name, json }) =>
      examplesOf(json).map(([key, value]) => ({ place: `${name} ${key}`, schema: json?.schema ?? {}, value })),
    );
    expect(examples.length).toBeGreaterThan(25);
    for (const { place, schema, value } of examples) {
      expect({ place, problems: schemaProblems(schema, value) }).toEqual({ place, problems: [] });
    }
  });

  it('the examples of errors in the OpenAPI document have the status and the short text of their code', () => {
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
  it('the errors of the OpenAPI document have the schema of errors wherever they may come', () => {
    expect(errors.length).toBeGreaterThan(50);
    for (const { name, json } of errors) {
      expect({ name, schema: json?.schema }).toEqual({ name, schema: { $ref: '#/components/schemas/ErrorDto' } });
    }
  });

  it('the errors of the OpenAPI document are named by codes that have this status', () => {
    for (const { name, status, description } of errors) {
      const codes = description.match(/\b[A-Z]+_[A-Z_]+\b/g) ?? [];
      expect(codes.length, name).toBeGreaterThan(0);
      for (const code of codes) expect(ERROR_CODES[code as ErrorCode]?.status, `${name} ${code}`).toBe(status);
    }
  });
});

describe('the check itself', () => {
  it('the check of answers against the document finds what does not fit', () => {
    const schema = { $ref: '#/components/schemas/ErrorDto' };
    expect(placesOf(schemaProblems(schema, { error: 1, message: '', code: '', details: [] }))).toEqual([
      "$ must have required property 'request_id'",
      '$/error must be string',
      '$/details must be object',
    ]);
  });

  it('the check of answers against the document finds what an answer has and the document has not', () => {
    const answer = { method: 'GET', path: '/ready?x=1', status: 200, contentType: 'application/json; charset=utf-8' };
    const body = { status: 'ready', database: 'ok', worker: 'ok' };
    expect(answerProblems({ ...answer, text: JSON.stringify(body) })).toEqual([]);
    expect(
      placesOf(answerProblems({ ...answer, text: JSON.stringify({ ...body, worker: 'tired', disk: 1 }) })),
    ).toEqual(['$ must NOT have additional properties', '$/worker must be equal to one of the allowed values']);
    expect(answerProblems({ ...answer, contentType: 'text/html' })).toEqual(['text/html is none of application/json']);
    expect(answerProblems({ ...answer, status: 418 })).toEqual(['418 is none of 200, 503']);
    const job = `/api/v1/batch-status/${'0'.repeat(8)}`;
    expect(answerProblems({ ...answer, path: job, status: 304 })).toEqual([
      '304 has no body, and application/json came',
    ]);
    expect(answerProblems({ ...answer, path: '/elsewhere', status: 418 })).toEqual([]);
    expect(answerProblems({ ...answer, path: '/elsewhere', status: 418, text: '{}' })).not.toEqual([]);
  });

  it('the check of answers against the document reads every line of NDJSON and every event', () => {
    const path = '/api/v1/batch-results/1';
    const lines = { method: 'GET', path, status: 200, contentType: 'application/x-ndjson', text: '{"lot_id":"a"}\n' };
    expect(answerProblems(lines)).toContainEqual(expect.stringContaining('processed_images'));
    const events = { ...lines, path: '/api/v1/batch-jobs/1/events', contentType: 'text/event-stream' };
    expect(answerProblems({ ...events, text: 'event: end\ndata: {}\n\n' })).toContainEqual(
      expect.stringContaining('webhook_configured'),
    );
    expect(answerProblems({ ...events, text: 'retry: 3000\n\n: heartbeat\n\n' })).toEqual([]);
  });

  it('the check of answers against the document knows formats, bounds and characters of more than one unit', () => {
    expect(schemaProblems({ type: 'string', format: 'uuid' }, 'x')).toHaveLength(1);
    expect(schemaProblems({ type: 'string', format: 'date-time' }, '2026-01-01T00:00:00.5Z')).toHaveLength(1);
    expect(schemaProblems({ type: 'number', minimum: 0, exclusiveMinimum: true }, 0)).toHaveLength(1);
    expect(schemaProblems({ type: 'object', maxProperties: 1 }, { a: 1, b: 2 })).toHaveLength(1);
    expect(schemaProblems({ type: 'string', maxLength: 1 }, '🚗')).toEqual([]);
    expect(schemaProblems({ type: 'string', nullable: true, enum: ['a'] }, null)).toEqual([]);
    expect(() => schemaProblems({ typo: 'string' }, 1)).toThrow('typo');
  });
});

/** Without the parameters that the lines end with. */
function placesOf(problems: readonly string[]): string[] {
  return problems.map((line) => line.replace(/ \{.*\}$/, ''));
}
