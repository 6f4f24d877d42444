import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** What belongs to one request or one piece of background work, and lands in every log line written for it. */
export interface RequestContext {
  readonly requestId: string;
}

const storage = new AsyncLocalStorage<RequestContext>();
const ACCEPTED_REQUEST_ID = /^[\w.-]{1,64}$/;

/**
 * A client's X-Request-Id where it is harmless in logs and headers, else a new one: no key of a table, so a random one,
 * which Node draws from a pool, instead of a UUIDv7, which asks the system for each.
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
