import { getSchemaPath, type OpenAPIObject } from '@nestjs/swagger';
import { ErrorDto } from '../common/error.dto.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** What every signed route may answer, whatever else it says. */
const SIGNED_ROUTE_ERRORS: Readonly<Record<string, string>> = {
  '400': 'INVALID_JSON, of a body that the route has no use for',
  '401': 'MISSING_SIGNATURE',
  '403': 'INVALID_SIGNATURE',
  '413': 'BODY_TOO_LARGE',
  '415': 'UNSUPPORTED_MEDIA_TYPE',
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
    if (status === '200' || response === undefined) continue;
    const json = jsonOf(response) ?? (Number(status) >= 400 ? ERROR : undefined);
    // Whatever else the route produces, files or server-sent events, is in its 200 alone.
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
