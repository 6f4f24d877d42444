import { ApiError } from '../http/api-error.js';
import { page, readLimit } from '../http/paging.js';
import { ok, type Route } from '../http/router.js';
import { isObject } from '../json.js';
import type { SandboxClock } from '../sandbox-clock.js';
import type { BatchEngine, QueueLimit } from './batch-engine.js';
import { batchObject, isHidden, type BatchRecord } from './batch-record.js';
import type { BatchStore } from './batch-store.js';
import type { BatchCreator } from './create-batch.js';

const CANCELLABLE = new Set(['validating', 'in_progress', 'finalizing']);

/** /v1/batches: create, list, retrieve, cancel. */
export function batchRoutes(
  creator: BatchCreator,
  store: BatchStore,
  engine: BatchEngine,
  clock: SandboxClock,
): Route[] {
  const visible = (id: string | undefined): BatchRecord => {
    const record = store.find(id ?? '');
    if (record !== undefined && !isHidden(record, clock.seconds())) return record;
    throw new ApiError(404, `No batch found with id '${id ?? ''}'.`);
  };
  return [
    {
      method: 'POST',
      pattern: '/v1/batches',
      body: 'json',
      handle: async ({ json, text }) => {
        const record = await creator.create(json, text);
        const shown = batchObject(record);
        engine.start(record);
        return ok(shown);
      },
    },
    {
      method: 'GET',
      pattern: '/v1/batches',
      body: 'none',
      handle: async ({ query }) => {
        const now = clock.seconds();
        const records = store.list().filter((record) => !isHidden(record, now));
        return Promise.resolve(ok(page(records, query.get('after'), readLimit(query, 20, 100), batchObject)));
      },
    },
    {
      method: 'GET',
      pattern: '/v1/batches/:id',
      body: 'none',
      handle: async ({ params }) => Promise.resolve(ok(batchObject(visible(params['id'])))),
    },
    {
      method: 'POST',
      pattern: '/v1/batches/:id/cancel',
      body: 'none',
      handle: async ({ params }) => {
        const record = visible(params['id']);
        if (record.status === 'cancelling') return ok(batchObject(record));
        if (!CANCELLABLE.has(record.status)) {
          throw new ApiError(409, `Cannot cancel a batch with status '${record.status}'.`);
        }
        const cancelled = engine.cancel(record);
        // The present state is returned, because while it is written to disk it may already become `cancelled`.
        const shown = batchObject(record);
        await cancelled;
        return ok(shown);
      },
    },
  ];
}

/** Extra information on the sandbox's batches: hidden ones too, and how many have each value of a metadata key. */
export function batchControlRoutes(store: BatchStore, limit: QueueLimit): Route[] {
  return [
    {
      method: 'GET',
      pattern: '/sandbox/batches',
      body: 'none',
      handle: ({ query }) => {
        const key = query.get('metadata');
        const records = store.list();
        const counts: Record<string, number> = {};
        for (const { metadata } of records) {
          const value = key === null ? undefined : metadata?.[key];
          if (typeof value === 'string') counts[value] = (counts[value] ?? 0) + 1;
        }
        return Promise.resolve(ok({ created: records.length, by_metadata: counts, batches: records.map(batchObject) }));
      },
    },
    {
      method: 'POST',
      pattern: '/sandbox/limits',
      body: 'json',
      handle: async ({ json }) => {
        const tokens = isObject(json) ? json['enqueued_tokens'] : undefined;
        if (typeof tokens !== 'number' || !(tokens >= 0)) throw new ApiError(400, 'enqueued_tokens must be 0 or more');
        limit.tokens = tokens;
        return Promise.resolve(ok({ enqueued_tokens: tokens }));
      },
    },
  ];
}
