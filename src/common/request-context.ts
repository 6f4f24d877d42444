import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** The context of one request or one piece of background work; it is added to every log line written for it. */
export interface RequestContext {
  readonly requestId: string;
}

const storage = new AsyncLocalStorage<RequestContext>();
const ACCEPTED_REQUEST_ID = /^[\w.-]{1,64}$/;

/**
 * The client's X-Request-Id if it is safe in logs and headers, otherwise a new id. It is not a table key, so a random
 * UUID is enough: Node takes those from a pool, while each UUIDv7 asks the system for random bytes.
 */
export function requestIdFrom(header: unknown): string {
  return typeof header === 'string' && ACCEPTED_REQUEST_ID.test(header) ? header : randomUUID();
}

export function runInContext<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/** The running request's id, or undefined outside of one. */
export function currentRequestId(): string | undefined {
  return storage.getStore()?.requestId;
}
