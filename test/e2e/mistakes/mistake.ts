import type { JsonObject } from 'openai-sandbox';
import { GENERATE, sign, type Answer, type TestService } from '../../support/service.js';

/** A mistake of somebody who connects a program to the service for the first time. */
export interface Mistake {
  readonly name: string;
  readonly send: (about: About) => Promise<Answer>;
  readonly status: number;
  /** null for what is taken all the same. */
  readonly code: string | null;
  /** What an answer must say so that the mistake can be mended from it alone; message and details are searched. */
  readonly says: readonly (string | RegExp)[];
}

export interface About {
  readonly service: TestService;
  /** A batch that has ended. */
  readonly ended: string;
  /** A batch that stays paused. */
  readonly running: string;
}

export const JSON_TYPE = { 'Content-Type': 'application/json' };

type Change = (service: TestService) => JsonObject;

/** A request that is right but for its members. */
export function members(
  name: string,
  change: JsonObject | Change,
  status: number,
  code: string | null,
  ...says: Mistake['says']
) {
  const body = typeof change === 'function' ? change : () => change;
  return mistake(name, ({ service }) => service.generate(service.request(body(service))), status, code, ...says);
}

/** A request that is right but for a member of its lot. */
export function lot(
  name: string,
  change: JsonObject | Change,
  status: number,
  code: string | null,
  ...says: Mistake['says']
) {
  const part = typeof change === 'function' ? change : () => change;
  return mistake(name, ({ service }) => service.generate(service.request({}, part(service))), status, code, ...says);
}

export function mistake(
  name: string,
  send: Mistake['send'],
  status: number,
  code: string | null,
  ...says: Mistake['says']
): Mistake {
  return { name, send, status, code, says };
}

/** POST generate-descriptions with these headers alone besides the Content-Type. */
export function post(service: TestService, headers: Record<string, string>, body: Buffer | string): Promise<Answer> {
  return service.sendAsIs(GENERATE, 'POST', { ...JSON_TYPE, ...headers }, body);
}

/** The headers of a right signature over this body. */
export const signed = (body: Buffer | string, path = GENERATE, method = 'POST') => sign(path, body, { method });
