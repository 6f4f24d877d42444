import { ApiError, ConnectionError } from './errors.js';
import { pauseBefore, retryAfterSeconds, type RetryOptions } from './retry-rules.js';
import { signRequest } from './signing.js';
import type { Body } from './spool.js';
import type { ErrorAnswer } from './types.js';

export interface TransportOptions extends RetryOptions {
  /** Where the service is, without a slash at its end. */
  readonly url: string;
  readonly secret: string;
  readonly keyId: string | undefined;
  /** Seconds until an answer must have begun. */
  readonly timeout: number;
  readonly fetch: typeof fetch;
}

export interface Call {
  readonly method: 'GET' | 'POST';
  /** The path with its query. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  readonly signal?: AbortSignal | undefined;
}

/** Sends signed requests, and sends them again where that helps. */
export class Transport {
  constructor(private readonly options: TransportOptions) {}

  /**
   * @throws ApiError for an answer from 400 on
   * @throws ConnectionError when no answer came
   */
  async send(call: Call): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(call);
      } catch (error) {
        await this.pause(attempt, error, call.signal);
      }
    }
  }

  async json<T>(call: Call): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.send(call);
      try {
        return (await response.json()) as T;
      } catch (cause) {
        await this.pause(attempt, broken(call, cause), call.signal);
      }
    }
  }

  /** Waits until the next attempt, or throws `error` when there should be none. */
  async pause(attempt: number, error: unknown, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const seconds = pauseBefore(attempt, error, this.options);
    if (seconds === null) throw error;
    await sleep(seconds, signal);
  }

  /** Signed anew each time, because a signature is good for five minutes. */
  private async once({ method, target, headers, body, signal }: Call): Promise<Response> {
    const { url, secret, keyId, timeout } = this.options;
    signal?.throwIfAborted();
    const sent = body === undefined ? undefined : await body.open();
    const tooLate = new AbortController();
    // An upload takes as long as it takes; what is timed is a request whose body is at hand.
    const timer =
      sent === undefined || typeof sent === 'string'
        ? setTimeout(() => tooLate.abort(new Error(`no answer in ${timeout} s`)), timeout * 1000)
        : undefined;
    let response: Response;
    try {
      response = await this.options.fetch(url + target, {
        method,
        redirect: 'error',
        headers: {
          ...headers,
          ...(body !== undefined && { 'Content-Type': body.contentType }),
          ...(body?.contentEncoding !== undefined && { 'Content-Encoding': body.contentEncoding }),
          ...(keyId !== undefined && { 'X-Key-Id': keyId }),
          ...signRequest(secret, { method, target, ...(body !== undefined && { bodyDigest: body.digest }) }),
        },
        ...(sent !== undefined && { body: sent }),
        // Streams need it in Node and Deno; it changes nothing for other bodies.
        ...(sent instanceof ReadableStream && { duplex: 'half' as const }),
        signal: signal === undefined ? tooLate.signal : AbortSignal.any([signal, tooLate.signal]),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw broken({ method, target }, cause);
    } finally {
      clearTimeout(timer);
    }
    if (response.status >= 400) throw await refusal(response);
    return response;
  }
}

/** An answer that broke off, or never came. */
export function broken({ method, target }: Pick<Call, 'method' | 'target'>, cause: unknown): ConnectionError {
  const { message, cause: deeper } = cause as Error & { cause?: Error };
  const reason = deeper instanceof Error && deeper.message !== '' ? deeper.message : message;
  return new ConnectionError(`${method} ${target}: ${reason}`, { cause });
}

async function refusal(response: Response): Promise<ApiError> {
  const answer = await response.json().then(
    (json: unknown) => (typeof json === 'object' && json !== null ? (json as Partial<ErrorAnswer>) : {}),
    () => ({}),
  );
  const retryAfter = retryAfterSeconds(response.headers.get('Retry-After'));
  return new ApiError(response.status, answer, retryAfter, response.headers.get('X-Request-Id'));
}

export async function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
