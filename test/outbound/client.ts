import { expect, onTestFinished } from 'vitest';
import { AllowList } from '../../src/outbound/address-rules.js';
import { OutboundClient, type OutboundOptions, type OutboundRequest } from '../../src/outbound/outbound-client.js';
import { OutboundError } from '../../src/outbound/outbound-error.js';
import { StubResolver } from './stub-resolver.js';

export const GET: OutboundRequest = { purpose: 'photo', method: 'GET', deadlineMs: 20_000, maxBytes: 1024 };
/** The deadline of a request that never gets an answer. It is short, because the test waits for it. */
export const SOON: OutboundRequest = { ...GET, deadlineMs: 300 };

export function clientFor(
  allow: readonly string[],
  resolver = new StubResolver(),
  options: OutboundOptions = {},
): OutboundClient {
  const client = new OutboundClient(AllowList.parse(allow), resolver, options);
  onTestFinished(() => client.onApplicationShutdown());
  return client;
}

export async function failure(answer: Promise<unknown>): Promise<OutboundError> {
  const error: unknown = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OutboundError);
  return error as OutboundError;
}
