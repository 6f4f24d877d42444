import { committed, schemaProblems, type Schema } from './schema-check.js';

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

const routes = Object.entries(committed.paths).map(([path, item]) => ({
  path,
  pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  item: item as Readonly<Record<string, Operation | undefined>>,
}));

const schemaOf = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const ERROR = schemaOf('ErrorDto');
const LOT = schemaOf('LotResultDto');
const STATUS = schemaOf('JobStatusDto');

/** Every answer that the document describes, as `GET /ready 200 application/json`; without a type where there is no body. */
export const documentedAnswers: readonly string[] = routes.flatMap(({ path, item }) =>
  Object.entries(item).flatMap(([method, operation]) =>
    Object.entries(operation?.responses ?? {}).flatMap(([status, { content }]) =>
      Object.keys(content ?? { '': {} }).map((type) => answerName(method, path, status, type)),
    ),
  ),
);

/** Those of them that this test file received, and that were as the document says. */
export const seenAnswers = new Set<string>();

function answerName(method: string, path: string, status: number | string, type: string): string {
  return `${method.toUpperCase()} ${path} ${status} ${type}`.trim();
}

/**
 * What the OpenAPI document does not say about an answer. For paths and methods that are not in it, only refusals are
 * allowed.
 */
export function answerProblems({ method, path, status, contentType, text }: WireAnswer): string[] {
  const target = path.split('?', 1)[0] as string;
  const route = routes.find(({ pattern }) => pattern.test(target));
  const operation = route?.item[method.toLowerCase()];
  const type = contentType?.split(';', 1)[0] ?? '';
  if (route === undefined || operation === undefined) {
    return status < 400 ? [] : bodyProblems('application/json', ERROR, text);
  }
  const response = operation.responses[String(status)];
  if (response === undefined) return [`${status} is none of ${Object.keys(operation.responses).join(', ')}`];
  if (response.content === undefined && type !== '') return [`${status} has no body, and ${type} came`];
  const media = response.content?.[type];
  if (response.content !== undefined && media === undefined) {
    return [`${type} is none of ${Object.keys(response.content).join(', ')}`];
  }
  const problems = bodyProblems(type, media?.schema ?? {}, text);
  if (problems.length === 0) seenAnswers.add(answerName(method, route.path, status, type));
  return problems;
}

/** In the document lines and events are text; their contents have schemas of their own. */
function bodyProblems(type: string, schema: Schema, text: string | undefined): string[] {
  if (text === undefined || text === '') return [];
  const problems = (of: Schema, json: string) => schemaProblems(of, JSON.parse(json), { closed: true });
  const lines = text.split('\n');
  switch (type) {
    case 'application/json':
      return problems(schema, text);
    case 'application/x-ndjson':
      return lines.filter((line) => line !== '').flatMap((line) => problems(LOT, line));
    case 'text/event-stream':
      return lines
        .filter((line) => line.startsWith('data: '))
        .flatMap((line) => problems(STATUS, line.slice('data: '.length)));
    default:
      return schemaProblems(schema, text);
  }
}

/** Fails the test if an answer is not as the document says. */
export function expectDocumented(answer: WireAnswer): void {
  const problems = answerProblems(answer);
  if (problems.length === 0) return;
  throw new Error(
    `openapi.json does not know this answer: ${answer.method} ${answer.path} ${answer.status}\n${problems.join('\n')}`,
  );
}
