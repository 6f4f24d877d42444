import { afterAll, beforeAll, expect, it } from 'vitest';
import { Explained, type PlanNode } from '../../scripts/prove-history/explained.mjs';
import { LOT_TABLES } from '../../src/jobs/lot.entities.js';
import { Partitions } from '../../src/jobs/partitions.js';
import { TestService } from '../support/service.js';

const ENDED = /completed|failed|cancelled/;

// Real: the whole service, PostgreSQL with partitions, the plans of its statements. Faked: OpenAI, by the sandbox.
let service: TestService;

beforeAll(async () => {
  service = await TestService.start({ environment: { BATCH_POLL_INTERVAL: '0.2' } });
  await service.app.get(Partitions).enable();
});
afterAll(() => service.stop());

const ended = (jobId: unknown) =>
  service.statusWhen(String(jobId), (body) => ENDED.test(String(body['status']))).then(() => String(jobId));

it('a service whose tables have partitions answers as before, and looks for a job’s lots in one partition alone', async () => {
  const explained = Explained.watch();
  const lot = (name: string, url = service.urls.car) => ({ lot_id: name, images: [{ url }] });
  const gone = service.urls.car.replace('car.jpg', 'gone.jpg');

  const sync = await service.generate(service.request({ languages: ['en', 'de', 'ru'] }));
  expect(sync.status).toBe(200);
  const batch = await service.generate(
    service.request({ mode: 'batch', languages: ['en', 'de'], include: ['notes'], lots: [lot('a'), lot('b', gone)] }),
  );
  expect(batch.status).toBe(201);
  const job = await ended(batch.body['job_id']);
  const get = async (path: string) => expect((await service.send(path)).status).toBe(200);
  await get('/api/v1/batch-jobs');
  await get(`/api/v1/batch-results/${job}`);
  await get(`/api/v1/batch-results/${job}?status=failed`);
  const retry = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
  const retried = await service.send(`/api/v1/batch-jobs/${job}/retry`, retry, '{}');
  expect(retried.status).toBe(201);
  await ended(retried.body['job_id']);

  const statements = [...explained.stop()].filter(([text]) => /\bbatch_(lots|lot_inputs|results)\b/.test(text));
  expect(statements.length).toBeGreaterThan(20);
  expect(statements.flatMap(([, { plan }]) => partitionsRead(plan)).join()).toContain('batch_results_until_');
  const wide = statements.flatMap(([text, { plan }]) => {
    const read = partitionsRead(plan);
    return LOT_TABLES.some((table) => read.filter((name) => name.startsWith(`${table}_`)).length > 1)
      ? [{ text, read }]
      : [];
  });
  expect(wide).toEqual([]);
});

/** The partitions that a plan has looked into, each once. */
function partitionsRead(plan: PlanNode): string[] {
  const names = new Set<string>();
  const visit = (node: PlanNode) => {
    const name = node['Relation Name'];
    if (name !== undefined && node['Actual Loops'] > 0 && node['Node Type'] !== 'ModifyTable') names.add(name);
    for (const child of node.Plans ?? []) visit(child);
  };
  visit(plan);
  return [...names];
}
