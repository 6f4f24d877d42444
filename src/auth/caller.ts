import type { Request } from 'express';

/** A client that proved to hold a live secret of its key id. */
export interface SignedCaller {
  readonly scheme: 1 | 2;
  /** The client's name: jobs belong to it. */
  readonly keyId: string;
  /** Stored with a job, so that what we sign for it uses the same secret. */
  readonly secretFingerprint: string;
  /** The proven HMAC, lower-case hex without prefix; repeats are recognised by it. */
  readonly signature: string;
}

/** A caller without a signature, who may read jobs because LEGACY_UNSIGNED_READS is on. It owns nothing. */
interface UnsignedReader {
  readonly scheme: 'unsigned';
}

export type Caller = SignedCaller | UnsignedReader;

const callers = new WeakMap<object, Caller>();

/** Stores who sent `request`. Only the guard and the intake call it. */
export function attachCaller(request: object, caller: Caller): void {
  callers.set(request, caller);
}

/** Who sent `request`; for routes behind the guard. */
export function callerOf(request: Request): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error('this route is not behind the guard');
  return caller;
}

/** The key id that signed `request`; for routes that no unsigned reader reaches. */
export function signedCallerOf(request: Request): SignedCaller {
  const caller = callerOf(request);
  if (caller.scheme === 'unsigned') throw new Error('this route takes unsigned readers');
  return caller;
}

/**
 * The key id whose jobs the request may see. Null means those of every key; only the guard can allow this
 * (LEGACY_UNSIGNED_READS).
 */
export function readerKeyId(request: Request): string | null {
  const caller = callerOf(request);
  return caller.scheme === 'unsigned' ? null : caller.keyId;
}
