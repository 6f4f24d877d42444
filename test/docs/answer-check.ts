import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';
import { packagePath } from './package-path.js';
import { schemaProblems, type Schema } from './schema-check.js';

/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string | null;
  /** The body's text; undefined: not read. */
  readonly text?: string;
}

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema?: Schema }>> }>>;
}

// The committed document: check:openapi proves that it is what the code says.
const document = JSON.parse(readFileSync(packagePath('openapi.json'), 'utf8')) as OpenAPIObject;
const routes = Object.entries(document.paths).map(([path, item]) => ({
  pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  item: item as Readonly<Record<string, Operation | undefined>>,
}));

/** What of an answer the OpenAPI document does not say; empty for a path or a method that it does not have. */
export function answerProblems({ method, path, status, contentType, text }: WireAnswer): string[] {
  const target = path.split('?', 1)[0] as string;
  const operation = routes.find(({ pattern }) => pattern.test(target))?.item[method.toLowerCase()];
  if (operation === undefined) return [];
  const response = operation.responses[String(status)];
  if (response === undefined) return [`${status} is none of ${Object.keys(operation.responses).join(', ')}`];
  const type = contentType?.split(';', 1)[0] ?? null;
  if (response.content === undefined) return type === null ? [] : [`${status} has no body, and ${type} came`];
  const media = response.content[type ?? ''];
  if (media === undefined) return [`${type} is none of ${Object.keys(response.content).join(', ')}`];
  if (type !== 'application/json' || text === undefined || text === '') return [];
  return schemaProblems(document, media.schema ?? {}, JSON.parse(text), { closed: true });
}

/** Fails the test whose request was answered otherwise than the document says. */
export function expectDocumented(answer: WireAnswer): void {
  const problems = answerProblems(answer);
  if (problems.length === 0) return;
  throw new Error(
    `openapi.json does not know this answer: ${answer.method} ${answer.path} ${answer.status}\n${problems.join('\n')}`,
  );
}
