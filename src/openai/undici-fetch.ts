import { pipeline, Readable, type Duplex } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Agent, request, type Dispatcher } from 'undici';
import { orAbort } from '../common/abort-signals.js';

/** Statuses that a web Response must not have a body with; its constructor throws otherwise. */
const WITHOUT_BODY = new Set([101, 204, 205, 304]);

/**
 * The connections to OpenAI. There are as many as calls in flight, because a limit would queue calls behind slow
 * answers. Neither headers nor body have a timeout of undici's: a reasoning model may think for minutes, and every call
 * of this room has a deadline of its own.
 */
export function createOpenAiAgent(): Agent {
  return new Agent({
    connections: null,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 10_000 },
  });
}

/**
 * A `fetch` for the SDK on undici.request: with 1,000 calls in flight the global fetch adds some 255 ms at the 99th
 * percentile, this one 79 ms. Unlike the standard, it never follows redirects, because the key would be sent along.
 * @param query - added unchanged to every request
 */
export function createUndiciFetch(dispatcher: Dispatcher, query = ''): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const { signal } = init;
    signal?.throwIfAborted();
    const headers = new Headers(init.headers);
    const body = toUndiciBody(init.body, headers);
    const pending = request(withQuery(urlOf(input), query), {
      dispatcher,
      method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
      headers,
      body,
      signal: signal ?? null,
    });
    return toWebResponse(signal ? await abortInEveryPhase(pending, signal, body) : await pending);
  };
}

/**
 * undici checks the signal only after it has connected; until then the caller would wait for the connection's own
 * timeout.
 */
async function abortInEveryPhase(
  pending: Promise<Dispatcher.ResponseData>,
  signal: AbortSignal,
  body: string | Uint8Array | Readable | null,
): Promise<Dispatcher.ResponseData> {
  try {
    return await orAbort(pending, signal);
  } catch (error) {
    if (body instanceof Readable) body.destroy();
    // If the answer still arrives, its connection must not wait for a reader.
    pending.then(
      (late) => late.body.on('error', () => undefined).destroy(),
      () => undefined,
    );
    throw error;
  }
}

/** The text is kept as it is, because parsing and writing it again could change what a gateway compares or signs. */
function withQuery(input: string | URL, query: string): string | URL {
  if (query === '') return input;
  const url = String(input);
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}

function urlOf(input: string | URL | Request): string | URL {
  return typeof input === 'string' || input instanceof URL ? input : input.url;
}

function toUndiciBody(body: RequestInit['body'], headers: Headers): string | Uint8Array | Readable | null {
  if (body === null || body === undefined) return null;
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  if (body instanceof ReadableStream) return fromWeb(body);
  // Forms, blobs and the like: Node's Response encodes them and gives the matching Content-Type.
  const encoded = new Response(body);
  const type = encoded.headers.get('content-type');
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type);
  return encoded.body === null ? null : fromWeb(encoded.body);
}

function fromWeb(stream: ReadableStream): Readable {
  return Readable.fromWeb(stream as NodeReadableStream);
}

function toWebResponse({ statusCode, headers, body }: Dispatcher.ResponseData): Response {
  const list: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') list.push([name, value]);
    else for (const item of value ?? []) list.push([name, item]);
  }
  if (WITHOUT_BODY.has(statusCode)) {
    body.on('error', () => undefined).resume();
    return new Response(null, { status: statusCode, headers: list });
  }
  const decoder = statusCode === 206 ? undefined : decoderOf(headers['content-encoding']);
  if (decoder === undefined) return new Response(toWebStream(body), { status: statusCode, headers: list });
  const plain = list.filter(([name]) => name !== 'content-encoding' && name !== 'content-length');
  // The reader gets this error from the decoder. Here it only needs a listener.
  pipeline(body, decoder, () => undefined);
  return new Response(toWebStream(decoder), { status: statusCode, headers: plain });
}

/**
 * We ask for no compression, but some gateways compress anyway. A part of a file (206) cannot be decompressed by
 * itself.
 */
function decoderOf(encoding: string | string[] | undefined): Duplex | undefined {
  switch (
    String(encoding ?? '')
      .trim()
      .toLowerCase()
  ) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

/**
 * undici's own `body.body` cancels by `return()` on the iterator, which waits for the chunk that a stalled server never
 * sends; destroying the stream ends the connection at once.
 */
function toWebStream(body: Readable): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array<ArrayBuffer>>;
  // A stream destroyed before its first read has no listener yet, and an error event without a listener ends the
  // process.
  body.on('error', () => undefined);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
      body.destroy();
    },
  });
}
