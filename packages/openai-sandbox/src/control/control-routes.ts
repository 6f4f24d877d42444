import type { FaultBook } from '../faults/fault-book.js';
import { ApiError } from '../http/api-error.js';
import { ok, type Route } from '../http/router.js';
import { isObject } from '../json.js';
import type { SandboxClock } from '../sandbox-clock.js';
import type { StateFiles } from '../state-files.js';
import type { RequestLog } from './request-log.js';

/** Fault rules, the log, counters and the clock, under /sandbox/. */
export function controlRoutes(faults: FaultBook, log: RequestLog, clock: SandboxClock, state: StateFiles): Route[] {
  const keepFaults = async () => state.write('faults', faults.kept());
  return [
    {
      method: 'GET',
      pattern: '/sandbox/faults',
      body: 'none',
      handle: () => Promise.resolve(ok({ faults: faults.list() })),
    },
    {
      method: 'POST',
      pattern: '/sandbox/faults',
      body: 'json',
      handle: async ({ json }) => {
        const rules: unknown[] = Array.isArray(json) ? json : [json];
        try {
          const added = faults.add(rules);
          await keepFaults();
          return ok({ added });
        } catch (error) {
          throw new ApiError(400, error instanceof Error ? error.message : 'malformed fault rule');
        }
      },
    },
    {
      method: 'DELETE',
      pattern: '/sandbox/faults',
      body: 'none',
      handle: async () => {
        faults.remove();
        await keepFaults();
        return ok({ faults: [] });
      },
    },
    {
      method: 'DELETE',
      pattern: '/sandbox/faults/:id',
      body: 'none',
      handle: async ({ params }) => {
        faults.remove(params['id']);
        await keepFaults();
        return ok({ faults: faults.list() });
      },
    },
    {
      method: 'GET',
      pattern: '/sandbox/log',
      body: 'none',
      handle: ({ query }) => {
        const requests = log.list({
          after: Number(query.get('after') ?? 0),
          limit: Number(query.get('limit') ?? 1000),
          path: query.get('path'),
        });
        const withBodies = query.get('bodies') !== 'false';
        return Promise.resolve(
          ok({ requests: withBodies ? requests : requests.map((entry) => ({ ...entry, body: null })) }),
        );
      },
    },
    {
      method: 'DELETE',
      pattern: '/sandbox/log',
      body: 'none',
      handle: () => {
        log.clear();
        return Promise.resolve(ok({ requests: [] }));
      },
    },
    {
      method: 'GET',
      pattern: '/sandbox/counters',
      body: 'none',
      handle: () => Promise.resolve(ok({ counters: log.counters() })),
    },
    {
      method: 'GET',
      pattern: '/sandbox/clock',
      body: 'none',
      handle: () => Promise.resolve(ok({ now: new Date(clock.now()).toISOString(), speed: clock.speed })),
    },
    {
      method: 'POST',
      pattern: '/sandbox/clock',
      body: 'json',
      handle: async ({ json }) => {
        const seconds = isObject(json) ? json['advanceSeconds'] : undefined;
        if (typeof seconds !== 'number' || !(seconds >= 0)) throw new ApiError(400, 'advanceSeconds must be 0 or more');
        clock.advance(seconds);
        await state.write('clock', { ahead_ms: clock.now() - Date.now() });
        return ok({ now: new Date(clock.now()).toISOString(), speed: clock.speed });
      },
    },
  ];
}
