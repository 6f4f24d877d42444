import { ApiError } from '../http/api-error.js';
import { errorReply, SERVER_ERROR } from '../http/error-reply.js';
import type { Reply } from '../http/router.js';
import type { FaultRule } from './fault-rules.js';

/** Never answered: a fault kept the answer back. */
export const NO_ANSWER = Symbol('no answer');

/** Actions after which the right answer is not sent. */
const LOSING = new Set(['status', 'quota', 'html', 'hang', 'reset']);

/**
 * Waits for the delays, then returns the answer of a fault that strikes before the work, or undefined to continue.
 * @param signal - given when the work is to be abandoned if the client disconnects
 */
export async function strikeBefore(
  faults: readonly FaultRule[],
  signal: AbortSignal | undefined,
): Promise<Reply | typeof NO_ANSWER | undefined> {
  const ms = faults.reduce((sum, rule) => sum + (rule.action === 'latency' ? (rule.ms ?? 1000) : 0), 0);
  if (ms > 0 && !(await delay(ms, signal))) return NO_ANSWER;
  const rule = faults.find(({ action, after }) => after !== true && LOSING.has(action));
  return rule === undefined ? undefined : faultReply(rule);
}

/** The fault that replaces the answer after the work is done. */
export function afterFault(faults: readonly FaultRule[]): FaultRule | undefined {
  return faults.find(({ action, after }) => after === true && LOSING.has(action));
}

/** The answer that a fault gives instead of the correct one. */
export function faultReply(rule: FaultRule): Reply | typeof NO_ANSWER {
  if (rule.action === 'html') {
    const page = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';
    return { status: 200, body: page };
  }
  if (rule.action === 'quota') {
    const message = 'You exceeded your current quota, please check your plan and billing details.';
    return errorReply(new ApiError(429, message, { type: 'insufficient_quota', code: 'insufficient_quota' }));
  }
  if (rule.action !== 'status') return NO_ANSWER;
  const status = rule.status ?? 500;
  const headers: Record<string, string> = {};
  if (rule.retry_after !== undefined) headers['retry-after'] = String(rule.retry_after);
  if (rule.retry_after_ms !== undefined) headers['retry-after-ms'] = String(rule.retry_after_ms);
  return errorReply(statusError(status, rule, headers));
}

/** The error that a given status comes with, for requests and for lines of a batch. */
export function statusError(status: number, rule: FaultRule, headers: Record<string, string> = {}): ApiError {
  const code = rule.code ?? (status === 429 ? 'rate_limit_exceeded' : null);
  const type = status === 429 ? { type: 'requests' } : {};
  return new ApiError(status, rule.message ?? MESSAGES[status] ?? SERVER_ERROR, { code, headers, ...type });
}

const MESSAGES: Readonly<Record<number, string>> = {
  400: 'Simulated fault.',
  404: 'Not found.',
  429: 'Rate limit reached for requests. Please try again later.',
  503: 'The engine is currently overloaded, please try again later.',
};

/** Resolves true after `ms`, false as soon as the signal aborts. */
export function delay(ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve(false);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve(true);
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
