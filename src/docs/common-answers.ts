import { getSchemaPath, type OpenAPIObject } from '@nestjs/swagger';
import { ErrorDto } from '../common/error.dto.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** What every signed route may answer, whatever else it says. */
const SIGNED_ROUTE_ERRORS: Readonly<Record<string, string>> = {
  '401': 'MISSING_SIGNATURE',
  '403': 'INVALID_SIGNATURE',
  '429': 'RATE_LIMITED, with Retry-After',
  '500': 'INTERNAL_ERROR',
  '503': 'SERVICE_UNAVAILABLE, with Retry-After',
};

/** Adds what no route says of itself: the errors that signing brings under /api/, and that the rest takes no signature. */
export function completeOperations(document: OpenAPIObject): OpenAPIObject {
  const paths = Object.entries(document.paths).map(([path, item]): [string, PathItem] => {
    const completed = { ...item };
    for (const method of METHODS) {
      const operation = completed[method];
      if (operation !== undefined) completed[method] = path.startsWith('/api/') ? signed(operation) : open(operation);
    }
    return [path, completed];
  });
  return { ...document, paths: Object.fromEntries(paths) };
}

function signed(operation: Operation): Operation {
  const responses: Operation['responses'] = { ...operation.responses };
  for (const [status, description] of Object.entries(SIGNED_ROUTE_ERRORS)) responses[status] ??= { description };
  for (const [status, response] of Object.entries(responses)) {
    // Errors are JSON whatever else the route produces: server-sent events, say.
    if (Number(status) >= 400 && response !== undefined && !describesJson(response)) {
      responses[status] = {
        ...response,
        content: { 'application/json': { schema: { $ref: getSchemaPath(ErrorDto) } } },
      };
    }
  }
  return { ...operation, responses };
}

function describesJson(response: object): boolean {
  return Object.hasOwn((response as { content?: object }).content ?? {}, 'application/json');
}

function open(operation: Operation): Operation {
  return { ...operation, security: [] };
}
