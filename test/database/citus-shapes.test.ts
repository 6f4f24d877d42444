import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobAdvance } from '../../src/batch/shards/job-advance.js';
import { OrphanedLots } from '../../src/batch/upkeep/orphaned-lots.js';
import { OverdueJobs } from '../../src/batch/upkeep/overdue-jobs.js';
import { Retention } from '../../src/batch/upkeep/retention.js';
import { DAY_MS } from '../../src/common/clock.js';
import { firstIdAt } from '../../src/common/ids.js';
import type { Database } from '../../src/database/database.service.js';
import { JobOverviewReader } from '../../src/jobs/job-overview-reader.js';
import { LotStore } from '../../src/jobs/lot-store.js';
import { PartReader } from '../../src/jobs/part-reader.js';
import { completeAssessments } from '../../src/jobs/result-store.js';
import { AbandonedJobsCron } from '../../src/sync/abandoned-jobs.cron.js';
import { BatchRig } from '../batch/rig.js';
import { insertJob, insertLot, insertResult } from '../jobs/fixtures.js';
import { rerenderOn } from '../rerender/rig.js';
import { storedJob } from '../rerender/stored-job.js';
import { brokenRules, type Volatilities } from '../support/citus-rules.js';
import { TestService } from '../support/service.js';
import { StatementLog } from '../support/statement-log.js';
import { refusedStatements } from './refused-statements.js';

// Every statement of a flow through the whole service, and whether a Citus would plan it: without a Citus, by its shape.

const NEVER = new AbortController().signal;
const FAILED = { status: 'failed', error: { code: 'REFUSED', message: 'refused' } } as const;

let log: StatementLog;
let volatilities: Volatilities;

beforeAll(async () => {
  log = new StatementLog();
  const rig = await BatchRig.start();
  try {
    volatilities = await volatilitiesOf(rig.db.database);
    await batches(rig);
    await upkeep(rig);
  } finally {
    await rig.close();
  }
  const service = await TestService.start();
  try {
    await requests(service);
    await reads(service);
  } finally {
    await service.stop();
  }
}, 60_000);

it('no statement that the service sends has a shape that a Citus refuses', async () => {
  const refused = new Map<string, string[]>();
  for (const statement of log.files.keys()) {
    const broken = await brokenRules(statement, volatilities);
    if (broken.length > 0) refused.set(statement.replaceAll(/\s+/g, ' '), broken);
  }
  expect([...refused]).toEqual([]);
});

it('each file that has statements over lots has sent some', async () => {
  const sent = new Set(log.files.values());
  const folder = join(import.meta.dirname, '..', '..', 'src');
  const silent: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    if (!/-(store|reader)\.ts$/.test(name)) continue;
    const names = /(from|join|into|update) batch_(lots|lot_inputs|results)\b/.test(
      await readFile(join(folder, name), 'utf8'),
    );
    if (names && !sent.has(name.replaceAll('\\', '/'))) silent.push(name);
  }
  expect(silent).toEqual([]);
});

it.each(refusedStatements)('a statement that a Citus has refused is found: $name', async ({ statement, rule }) => {
  expect(await brokenRules(statement, volatilities)).toContain(rule);
});

afterAll(() => {
  expect(log.files.size).toBeGreaterThan(100);
});

async function volatilitiesOf(database: Database): Promise<Volatilities> {
  const rows = await database.query<{ name: string; volatility: number }>(
    `select proname as name, max(array_position('{i,s,v}', provolatile) - 1) as volatility from pg_proc group by 1`,
  );
  return new Map(rows.map(({ name, volatility }) => [name, volatility]));
}

/** Photos, both models by batch and directly, a limit of cost, and both kinds of ends. */
async function batches(rig: BatchRig): Promise<void> {
  await rig.fault({ action: 'scene', scene: 'two_dents', kind: 'vision' });
  const options = {
    include: ['notes', 'assessment'],
    max_cost_usd: 50,
    webhook_events: ['batch_job_progress'],
  } as const;
  const missing = (position: number) => (position === 2 ? ['/missing.jpg'] : [`/lot${position}.jpg`]);
  await rig.runToEnd(await rig.job({ lots: 3, languages: ['en', 'de'], options, photos: missing }));
  await rig.fault({ action: 'line_status', status: 500, code: 'server_error' });
  await rig.runToEnd(await rig.job({ lots: 1, languages: ['en', 'de'], options }));
}

async function upkeep(rig: BatchRig): Promise<void> {
  const { database } = rig.db;
  // Its photos are checked; a deadline ends the rest of it, of which one lot has its English text.
  const late = await rig.job({ lots: 2, languages: ['en', 'de'] });
  await rig.makeDue();
  await rig.run('photos');
  await database.execute(`update batch_lots set status = 'translating' where job_id = $1 and position = 1`, [late]);
  await insertResult(database, late, 1, 'en', '<p>Dent.</p>');
  await database.execute(`update batch_jobs set created_at = created_at - interval '2 days' where id = $1`, [late]);
  await rig.module.get(JobAdvance).recount(late);
  // What happens to few lots.
  const store = rig.module.get(LotStore, { strict: false });
  await database.transaction(async (tx) => {
    await store.photosWait(tx, late, [{ position: 0, open: [], missing: [] }]);
    await store.countUnanswered(tx, late, 0);
    await completeAssessments(tx, late, [{ position: 1, assessment: {} }]);
  });
  await rig.module.get(OverdueJobs).end();
  await database.execute(`update batch_jobs set completed_at = completed_at - interval '1 year' where id = $1`, [late]);
  while (await rig.module.get(Retention).step());
  await insertLot(database, firstIdAt(Date.now() - DAY_MS / 2), 0);
  for (let look = 0; look < 2; look += 1) await rig.module.get(OrphanedLots).sweep(NEVER);
}

/** One lot at once, described, failed, resumed; a batch, a retry and a cancel. */
async function requests(service: TestService): Promise<void> {
  const { database } = service.db;
  const body = service.request({ languages: ['en', 'et'] });
  await service.generate(body, { headers: { 'Idempotency-Key': randomUUID() } });
  const id = String((await service.jobOfLot(body))?.['id']);
  await database.execute(
    `update batch_jobs set status = 'processing', awaiting_vision = 1, processed_lots = 0, completed_at = null,
       lock_token = gen_random_uuid(), locked_until = now() - interval '1 second' where id = $1`,
    [id],
  );
  await service.app.get(AbandonedJobsCron).tick();
  await service.faults({ action: 'refusal', count: 2 });
  await service.generate(service.request());
  const lots = [0, 1].map((n) => ({
    lot_id: `own-${n}`,
    images: [service.urls.car],
    webhook: service.photos.url('hook'),
  }));
  const { body: batch } = await service.generate({
    ...service.request(),
    lots,
    webhook_events: ['batch_job_progress'],
  });
  await service.send(`/api/v1/batch-jobs/${String(batch['job_id'])}/cancel`, { method: 'POST' });
  const ended = await insertJob(database, {
    status: 'failed',
    totalLots: 2,
    failedLots: 2,
    awaitingVision: 0,
    completedAt: new Date(),
  });
  for (const position of [0, 1]) await insertLot(database, ended.id, position, FAILED);
  const retry = (change: unknown) => {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() };
    return service.send(`/api/v1/batch-jobs/${ended.id}/retry`, { method: 'POST', headers }, JSON.stringify(change));
  };
  await retry({ dry_run: true });
  await retry({ codes: ['REFUSED'], lot_ids: ['lot-0'] });
  await retry({});
  await retry({});
}

/** An ended job in every form that a client or an operator reads it. */
async function reads(service: TestService): Promise<void> {
  const { database } = service.db;
  const job = await insertJob(database, {
    status: 'completed',
    languages: ['en', 'de'],
    totalLots: 3,
    processedLots: 2,
    failedLots: 1,
    awaitingVision: 0,
    completedAt: new Date(),
    showsReview: true,
    webhookUrl: service.photos.url('hook'),
  });
  await insertLot(database, job.id, 0, { webhook: service.photos.url('own') });
  await insertLot(database, job.id, 1);
  await insertLot(database, job.id, 2, FAILED);
  for (const position of [0, 1]) {
    await insertResult(database, job.id, position, 'en', '<p>Dent.</p>', {
      needsReview: { value: position === 1, reasons: [] },
    });
    await insertResult(database, job.id, position, 'de', '<p>Delle.</p>');
  }
  const results = `/api/v1/batch-results/${job.id}`;
  for (const query of [
    '',
    '?status=failed',
    '?code=REFUSED',
    '?needs_review=true',
    '?needs_review=false',
    '?limit=1',
    '?after=lot-0',
  ]) {
    const answer = await service.send(results + query);
    expect([query, answer.status]).toEqual([query, 200]);
  }
  await service.send(`${results}/download?format=csv`);
  await service.send(`/api/v1/batch-status/${job.id}`);
  await service.send('/api/v1/batch-jobs');
  await service.send(`/api/v1/usage`);
  const range = { jobId: job.id, from: 0, to: 2, revision: 0, totalLots: 3, includes: true };
  await service.app.get(PartReader).readMany([range]);
  await new JobOverviewReader(database).failedLots(job.id, 'REFUSED', 10);
  await rerenderOn(service.db).rerender(await storedJob(service.db), NEVER);
}
