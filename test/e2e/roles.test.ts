import { readFileSync } from 'node:fs';
import { ModulesContainer } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { JsonObject } from 'openai-sandbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../docs/package-path.js';
import { sign, TestService } from '../support/service.js';

// Real: the application of each role as main.ts makes it, its HTTP server, PostgreSQL.

const CRONS = [
  'abandoned-sync-jobs',
  'batch-deadlines',
  'batch-direct',
  'batch-file-removal',
  'batch-orphaned-files',
  'batch-orphaned-lots',
  'batch-photos',
  'batch-queue',
  'batch-retention',
  'batch-submit',
  'batch-take-in',
  'batch-watch',
  'batch-weeks',
  'limits-sweep',
  'request-keys-sweep',
  'usage-sums',
  'wanted-glossaries',
  'webhook-sweep',
  'worker-beat',
];
const JOB_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

let api: TestService;
let worker: TestService;
let all: TestService;

beforeAll(async () => {
  api = await TestService.start({ environment: { ROLE: 'api', LEGACY_UNSIGNED_READS: 'true' } });
  worker = await TestService.start({ beside: api, environment: { ROLE: 'worker' } });
  all = await TestService.start({ beside: api, environment: { LEGACY_UNSIGNED_READS: 'true' } });
});
afterAll(async () => {
  await all.stop();
  await worker.stop();
  await api.stop();
});

/** Every route of the document, with the methods that it has there. */
const routes = Object.entries((JSON.parse(readFileSync(packagePath('openapi.json'), 'utf8')) as OpenAPIObject).paths)
  .flatMap(([path, item]) => Object.keys(item).map((method) => ({ method: method.toUpperCase(), path })))
  .map(({ method, path }) => ({ method, path: path.replaceAll(/\{\w+\}/g, JOB_ID) }));
const OPERATIONS = ['/health', '/ready'];
const signedRoutes = routes.filter(({ path }) => !OPERATIONS.includes(path));

/** A signed request without a body; what comes of it need not be documented for a worker. */
async function ask(service: TestService, method: string, path: string) {
  const answer = await fetch(service.origin + path, {
    method,
    headers: sign(path, '', { method }),
    // An open event stream has no end.
    signal: AbortSignal.timeout(60_000),
  });
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
  const body = isJson ? ((await answer.json()) as JsonObject) : {};
  if (!isJson) await answer.body?.cancel();
  return { status: answer.status, body };
}

/** What was built, by the names of the classes; one that two modules provide is named twice. */
function builtIn(service: TestService) {
  const modules = [...service.app.get(ModulesContainer).values()];
  return {
    controllers: modules
      .flatMap((module) => [...module.controllers.values()].map(({ name }) => String(name)))
      .toSorted(),
    providers: modules.flatMap((module) => [...module.providers.values()].map(({ name }) => String(name))),
  };
}

const cronsOf = (service: TestService) =>
  [...service.app.get(SchedulerRegistry, { strict: false }).getCronJobs().keys()].toSorted();

describe('a worker', () => {
  it.each(signedRoutes)('a worker has no $method $path', async ({ method, path }) => {
    const { status, body } = await ask(worker, method, path);
    expect([status, body['code']]).toEqual([404, 'NOT_FOUND']);
    expect(body['message']).toContain('worker');
  });

  it.each([
    '/',
    '/home-assets/home.js',
    '/home-assets/example.json',
    '/docs',
    '/docs/',
    '/docs/swagger-ui-init.js',
    '/docs-assets/sign.js',
    '/openapi.json',
  ])('a worker has no GET %s', async (path) => {
    expect(await ask(worker, 'GET', path)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });

  it.each([...OPERATIONS, '/metrics'])('a worker answers GET %s', async (path) => {
    expect((await ask(worker, 'GET', path)).status).toBe(200);
  });

  it('a worker says of other methods of its three paths which one they take', async () => {
    expect(await ask(worker, 'POST', '/health')).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
  });

  it('a worker builds no controller but those, and nothing of what judges requests', () => {
    const { controllers, providers } = builtIn(worker);
    expect(controllers).toEqual(['HealthController', 'MetricsController']);
    expect(providers).toContain('SubmitStage');
    const doors = ['AuthGuard', 'RateLimits', 'RequestIntake', 'UnprovenWork', 'UploadGate', 'DeliveriesService'];
    expect(providers.filter((name) => doors.includes(name))).toEqual([]);
  });

  it('a worker runs every cron', () => {
    expect(cronsOf(worker)).toEqual(CRONS);
  });

  it('a worker is seen by its row, as the role all is, and takes it along when it ends', async () => {
    const roles = () => api.db.database.query<{ role: string }>('select role from workers order by role');
    expect(await roles()).toEqual([{ role: 'all' }, { role: 'worker' }]);
    const other = await TestService.start({ beside: api, environment: { ROLE: 'worker' } });
    expect(await roles()).toHaveLength(3);
    await other.stop();
    expect(await roles()).toHaveLength(2);
  });
});

describe('an api', () => {
  it.each(signedRoutes)('an api has $method $path', async ({ method, path }) => {
    const { status, body } = await ask(api, method, path);
    expect(status).not.toBe(405);
    expect(body['code']).not.toBe('NOT_FOUND');
  });

  it.each([...OPERATIONS, '/', '/metrics', '/docs', '/openapi.json'])('an api answers GET %s', async (path) => {
    expect((await ask(api, 'GET', path)).status).toBe(200);
  });

  it('an api has no scheduler, and nothing of what crons would run', () => {
    expect(() => api.app.get(SchedulerRegistry, { strict: false })).toThrow();
    const { providers } = builtIn(api);
    expect(providers).toContain('UploadGate');
    const background = ['SubmitStage', 'UpkeepCron', 'DeliverySender', 'AbandonedJobsCron', 'WorkerBeat'];
    expect(providers.filter((name) => background.includes(name))).toEqual([]);
  });
});

describe('the role all', () => {
  it.each(signedRoutes)('the role all has $method $path', async ({ method, path }) => {
    expect((await ask(all, method, path)).body['code']).not.toBe('NOT_FOUND');
  });

  it('the role all runs every cron, woken by the hints of the very API that it serves', () => {
    expect(cronsOf(all)).toEqual(CRONS);
    const { providers } = builtIn(all);
    expect(providers.filter((name) => name === 'BatchHints' || name === 'DeliveryHints').toSorted()).toEqual([
      'BatchHints',
      'DeliveryHints',
    ]);
  });
});
