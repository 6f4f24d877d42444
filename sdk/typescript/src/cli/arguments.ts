import { parseArgs } from 'node:util';
import type { ResultsOptions } from '../options.js';

/** The command line was wrong: it is explained, and ends with 2. */
export class UsageError extends Error {}

const OPTIONS = {
  languages: { type: 'string' },
  wait: { type: 'boolean' },
  'webhook-url': { type: 'string' },
  'max-cost-usd': { type: 'string' },
  include: { type: 'string' },
  metadata: { type: 'string', multiple: true },
  'idempotency-key': { type: 'string' },
  format: { type: 'string' },
  partial: { type: 'boolean' },
  status: { type: 'string' },
  code: { type: 'string' },
  'needs-review': { type: 'boolean' },
  lot: { type: 'string', multiple: true },
  after: { type: 'string' },
  'dry-run': { type: 'boolean' },
  from: { type: 'string' },
  to: { type: 'string' },
  by: { type: 'string' },
  body: { type: 'string' },
  id: { type: 'string' },
  timestamp: { type: 'string' },
  signature: { type: 'string' },
  'ignore-age': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export type Values = ReturnType<typeof parse>['values'];

export function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export function only(rest: readonly string[], what: string): string {
  const [value, ...more] = rest;
  if (value === undefined || more.length > 0) throw new UsageError(`this command takes ${what}`);
  return value;
}

/** `a, b` as two values. The service says which values it knows, so a list of strings may be taken for them. */
export function list<T extends string = string>(value: string): T[] {
  return value.split(',').map((each) => each.trim() as T);
}

/** Which lots of a job are wanted. */
export function resultsOptions(values: Values): ResultsOptions {
  const { partial, status, code, lot, after } = values;
  return {
    ...(partial === true && { partial }),
    ...(status !== undefined && { status: list<'completed' | 'failed' | 'cancelled'>(status) }),
    ...(code !== undefined && { code: list<'CANCELLED'>(code) }),
    ...(values['needs-review'] === true && { needs_review: true }),
    ...(lot !== undefined && { lot_id: lot }),
    ...(after !== undefined && { after }),
  };
}
