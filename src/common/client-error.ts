import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorDto } from './error.dto.js';
import { isDiscarding } from './connections/connections.js';
import { requestIdFrom } from './request-context.js';
import { ERROR_CODES } from './service-error.js';

/** What Node's parser refuses before there is a request. */
const STATUS: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
const MESSAGE: Readonly<Record<number, string>> & { readonly 400: string } = {
  400: 'This is not a request that HTTP allows; the connection is closed.',
  408: 'The request did not arrive in time; the connection is closed.',
  431: 'The request line and headers are larger than 16 KiB; the connection is closed.',
};

/** Answers bytes that never became a request, as JSON like every other refusal, and closes their connection. */
export function answerClientError(error: Error & { code?: unknown }, socket: Socket): void {
  if (!socket.writable) return;
  // A refused upload has its answer already; what of it was not parsed is no second request.
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

/** The bytes of an answer to what Node did not make a request of; the connection is to be closed after it. */
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
