import { ok, type Route } from '../http/router.js';
import type { ModelTable } from './model-table.js';

/** GET /v1/models and /v1/models/{id}. */
export function modelRoutes(models: ModelTable): Route[] {
  return [
    {
      method: 'GET',
      pattern: '/v1/models',
      body: 'none',
      handle: () => Promise.resolve(ok({ object: 'list', data: models.list() })),
    },
    {
      method: 'GET',
      pattern: '/v1/models/:id',
      body: 'none',
      // async, so that a throw becomes a rejection
      handle: async ({ params }) => Promise.resolve(ok(models.retrieve(params['id'] ?? ''))),
    },
  ];
}
