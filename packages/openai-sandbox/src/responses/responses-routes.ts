import type { RequestLog } from '../control/request-log.js';
import { delay } from '../faults/request-faults.js';
import { requestKind } from '../http/pipeline.js';
import { ok, type Route } from '../http/router.js';
import { isObject } from '../json.js';
import type { RateHeaders } from './rate-headers.js';
import type { Responder } from './responder.js';

/** POST /v1/responses. */
export function responseRoutes(
  responder: Responder,
  rates: RateHeaders,
  log: RequestLog,
  options: { readonly latencyMs: number },
): Route[] {
  return [
    {
      method: 'POST',
      pattern: '/v1/responses',
      body: 'json',
      stopsOnHangUp: true,
      handle: async ({ json, text, signal }) => {
        const model = isObject(json) && typeof json['model'] === 'string' ? json['model'] : '';
        log.count(`responses ${model} ${requestKind(text)}`);
        if (options.latencyMs > 0 && !(await delay(options.latencyMs, signal))) signal.throwIfAborted();
        const response = await responder.respond(json, { within: 'http', text }, signal);
        return ok(response, rates.count(model, response.usage?.total_tokens ?? 0));
      },
    },
  ];
}
