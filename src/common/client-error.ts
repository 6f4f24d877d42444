import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorDto } from './error.dto.js';
import { isDiscarding } from './connections/connections.js';
import { requestIdFrom } from './request-context.js';
import { ERROR_CODES } from './service-error.js';

/** Answers for input that Node's HTTP parser refuses before a request exists. */
const STATUS: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
const MESSAGE: Readonly<Record<number, string>> & { readonly 400: string } = {
  400: 'This is not a valid HTTP request; the connection is closed.',
  408: 'The request did not arrive in time; the connection is closed.',
  431: 'The request line and headers are larger than 16 KiB; the connection is closed.',
};

/**
 * Answers input that Node could not parse as a request: JSON like every other refusal, then the connection is closed.
 */
export function answerClientError(error: Error & { code?: unknown }, socket: Socket): void {
  if (!socket.writable) return;
  // A refused upload already has its answer. Its bytes that were not parsed are not a second request.
  if (isDiscarding(socket)) {
    socket.end();
    return;
  }
  const status = (typeof error.code === 'string' ? STATUS[error.code] : undefined) ?? 400;
  socket.end(
    rawAnswer(status, {
      error: ERROR_CODES.VALIDATION_FAILED.error,
      message: MESSAGE[status] ?? MESSAGE[400],
      code: 'VALIDATION_FAILED',
      details: {},
    }),
  );
}

/** The bytes of an answer to input that is not a request for Node. The caller closes the connection after it. */
export function rawAnswer(
  status: number,
  body: Omit<ErrorDto, 'request_id'>,
  headers: Readonly<Record<string, string>> = {},
): string {
  const requestId = requestIdFrom(undefined);
  const text = JSON.stringify({ ...body, request_id: requestId } satisfies ErrorDto);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Cache-Control: private, no-store',
    `X-Request-Id: ${requestId}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${head.join('\r\n')}\r\n\r\n${text}`;
}
