/** Paths of the older service that no longer exist, with their replacement; the first match counts. */
const REPLACED: readonly (readonly [RegExp, string])[] = [
  [/^(\/api)?(\/v\d)?\/(generate|generate-descriptions?|batch|describe)$/, 'POST /api/v1/generate-descriptions'],
  [/^(\/api)?(\/v\d)?\/(batch-)?jobs$/, 'GET /api/v1/batch-jobs'],
  [/^(\/api)?(\/v\d)?\/(jobs|batch)\/[^/]+\/(results?|download)$/, 'GET /api/v1/batch-results/{job_id}'],
  [/^(\/api)?(\/v\d)?\/(jobs|batch)\/[^/]+\/cancel$/, 'POST /api/v1/batch-jobs/{job_id}/cancel'],
  [/^(\/api)?(\/v\d)?\/(batch-)?results?(\/|$)/, 'GET /api/v1/batch-results/{job_id}'],
  [/^(\/api)?(\/v\d)?\/((batch-|job-)?status|jobs|batch)(\/|$)/, 'GET /api/v1/batch-status/{job_id}'],
  [
    /^(\/api)?(\/v\d)?\/(test|debug)([-_/]|$)/,
    'POST /api/v1/webhooks/ping to try a receiver, and /docs to try a request',
  ],
  [/^(\/api)?(\/v\d)?\/webhooks?([-_/]test)?$/, 'POST /api/v1/webhooks/ping'],
  [/^(\/api)?(\/v\d)?\/(healthz?|livez?|ping)(\/|$)/, 'GET /health, and GET /ready for what it depends on'],
  [/^(\/api)?(\/v\d)?\/ready(z)?(\/|$)/, 'GET /ready'],
  [
    /^(\/api)?(\/v\d)?\/(monitor(ing)?|metrics|stats|statistics|queues?|workers?|system|admin|dashboard)([-_/]|$)/,
    'GET /metrics for figures, GET /ready for the state of the service, and GET /api/v1/batch-jobs for jobs',
  ],
  [
    /^(\/api)?(\/v\d)?\/(docs|api-docs|documentation|swagger(-ui)?|redoc|openapi(\.json|\.yaml)?)(\/|$)/,
    '/docs, or /openapi.json',
  ],
  [
    /^\/(index(\.html?)?|home|ui|demo|playground|upload|app|static\/.*)?$/,
    '/docs, where the API can be read and tried',
  ],
];

/** The replacement of a path of the older service; null for any other path. */
export function replacementOf(path: string): string | null {
  const plain = path.toLowerCase().replace(/(?<=.)\/$/, '');
  return REPLACED.find(([pattern]) => pattern.test(plain))?.[1] ?? null;
}
