import { getSchemaPath, type OpenAPIObject } from '@nestjs/swagger';
import { ErrorDto } from '../common/error.dto.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** Answers that every signed route may give, in addition to its own. */
const SIGNED_ROUTE_ERRORS: Readonly<Record<string, string>> = {
  '400': 'INVALID_JSON, for a body that the route does not need',
  '401': 'MISSING_SIGNATURE',
  '403': 'INVALID_SIGNATURE',
  '413': 'BODY_TOO_LARGE',
  '415': 'UNSUPPORTED_MEDIA_TYPE',
  '429': 'RATE_LIMITED, with Retry-After',
  '500': 'INTERNAL_ERROR',
  '503': 'SERVICE_UNAVAILABLE, with Retry-After',
};

/** Headers in the answers of every route; temporary refusals also say when to try again. */
const HEADERS = {
  'X-Request-Id': {
    description: 'The id of the request in the log; quote it when you report a problem.',
    schema: { type: 'string' as const },
  },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' as const } },
};
const PASSING: ReadonlySet<string> = new Set(['429', '503']);

/**
 * Adds what the routes do not state themselves: the errors of signing for /api/, that other paths take no signature,
 * and headers.
 */
export function completeOperations(document: OpenAPIObject): OpenAPIObject {
  const paths = Object.entries(document.paths).map(([path, item]): [string, PathItem] => {
    const completed = { ...item };
    for (const method of METHODS) {
      const operation = completed[method];
      if (operation === undefined) continue;
      completed[method] = withHeaders(path.startsWith('/api/') ? signed(operation) : open(operation));
    }
    return [path, completed];
  });
  return {
    ...document,
    components: { ...document.components, headers: HEADERS },
    paths: Object.fromEntries(paths),
  };
}

function withHeaders(operation: Operation): Operation {
  const responses: Operation['responses'] = {};
  for (const [status, response] of Object.entries(operation.responses)) {
    const names = PASSING.has(status) ? Object.keys(HEADERS) : ['X-Request-Id'];
    const headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
    const own = (response as { headers?: object } | undefined)?.headers;
    responses[status] = { ...response, headers: { ...headers, ...own } } as typeof response;
  }
  return { ...operation, responses };
}

function signed(operation: Operation): Operation {
  const responses: Operation['responses'] = { ...operation.responses };
  for (const [status, description] of Object.entries(SIGNED_ROUTE_ERRORS)) responses[status] ??= { description };
  for (const [status, response] of Object.entries(responses)) {
    if (status === '200' || response === undefined) continue;
    const json = jsonOf(response) ?? (Number(status) >= 400 ? ERROR : undefined);
    // Other formats of the route, files or server-sent events, are only in its 200.
    if (json !== undefined) responses[status] = { ...response, content: { 'application/json': json } };
  }
  return { ...operation, responses };
}

const ERROR = { schema: { $ref: getSchemaPath(ErrorDto) } };

function jsonOf(response: object): object | undefined {
  return (response as { content?: Record<string, object> }).content?.['application/json'];
}

function open(operation: Operation): Operation {
  return { ...operation, security: [] };
}
