import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import type { JobOptions } from '../../src/jobs/batch-job.entity.js';
import type { CompletedJob } from '../../src/jobs/job-columns.js';
import { JobReader } from '../../src/jobs/job-reader.js';
import type { UsageRow } from '../../src/jobs/job-store.js';
import { completedLot, renderLot } from '../../src/jobs/lot-result.js';
import { LotResultReader } from '../../src/jobs/lot-result-reader.js';
import { LotStore } from '../../src/jobs/lot-store.js';
import { storedResult, type NewResult } from '../../src/jobs/new-result.js';
import { SyncJobStore } from '../../src/jobs/sync-job-store.js';
import type { CompletedLot, HeldSyncJob, SeenPhotos } from '../../src/jobs/sync-job.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { usageDifferences } from '../support/usage.js';
import { insertJob, insertLot } from './fixtures.js';

const CALL: UsageRow = {
  stage: 'vision',
  model: 'o4-mini',
  calls: 1,
  inputTokens: 1000,
  cachedInputTokens: 200,
  outputTokens: 50,
  reasoningTokens: 20,
  costUsd: 0.001000004,
};

function result(language: string, html: string, more: Partial<NewResult> = {}): NewResult {
  const unknown = { model: 'o4-mini', promptVersion: null, schemaVersion: null, responseId: null, usage: null };
  return { language, html, strings: { blocks: [] }, fallback: false, ...unknown, ...more };
}

const english = (html: string) =>
  result('en', html, {
    assessment: { zone: 'bumper', a: [1.5, null, { text: 'half a pair \ud800, a line\nbreak, U+0000 \0' }] },
    needsReview: { value: true, reasons: ['low_confidence'] },
    usage: { stage: 'vision', cost_usd: 1e-8 },
  });

const WHOLE: SeenPhotos = { seen: 1, missing: [] };

let db: TestDatabase;
let store: SyncJobStore;
let held: HeldSyncJob;

beforeAll(async () => {
  db = await createTestDatabase();
  store = new SyncJobStore(db.database, new LotStore(), { openai: { visionModel: 'o4-mini' } });
});
afterAll(() => db.drop());

async function aHeldJob(languages: readonly string[], options: JobOptions = {}): Promise<HeldSyncJob> {
  const token = newId();
  const job = {
    mode: 'sync',
    totalLots: 1,
    awaitingVision: 1,
    languages,
    options,
    showsReview: true,
    lockToken: token,
  } as const;
  const { id } = await insertJob(db.database, job);
  await insertLot(db.database, id, 0, { lotId: 'Lot "7"', status: 'processing', processedImages: 0 });
  return { id, token };
}

function complete(results: readonly NewResult[], more: Partial<CompletedLot> = {}, handedOver = false) {
  const lot = { photos: WHOLE, renderedBytes: 100, usage: [CALL], assessment: null, ...more };
  const at = new Date('2026-01-02T03:04:05.678Z');
  return store.complete(db.database, held, { results: results.map(storedResult), ...lot }, { at, handedOver });
}

async function rowsOf(table: string): Promise<unknown[]> {
  const column = table === 'batch_jobs' ? 'id' : 'job_id';
  return db.database.query(`select * from ${table} where ${column} = $1`, [held.id]);
}

describe('a lot that was just written is rendered as it is read, byte for byte', () => {
  const all: JobOptions = { include: ['assessment', 'usage'] };
  const missing: SeenPhotos = {
    seen: 3,
    missing: [
      { url: 'https://cdn.test/ä"1.jpg', reason: 'not_found' },
      { url: 'https://cdn.test/2.jpg', reason: 'openai' },
    ],
  };
  it.each<[string, string[], JobOptions, SeenPhotos, NewResult[]]>([
    ['in English', ['en'], {}, WHOLE, [english('<p>Dent.</p>')]],
    ['with all that can be asked for', ['en'], all, WHOLE, [english('<p>Dent.</p>')]],
    ['without the English that it is made of', ['DE'], all, WHOLE, [english('<p>Dent.</p>'), result('DE', '<p>Ä</p>')]],
    [
      'with English in place of a language, and photos missing',
      ['fi', 'en', 'EN'],
      all,
      missing,
      [english('<p>Dent.</p>'), result('fi', '<p>Dent.</p>', { fallback: true }), result('EN', '<p>"Dent"\\</p>')],
    ],
    ['with what no database holds', ['en', 'de'], all, missing, [english('<p>\0\udc00</p>'), result('de', '\ud83d')]],
  ])('%s', async (_, languages, options, photos, results) => {
    held = await aHeldJob(languages, options);
    const job = (await complete(results, { photos })) as CompletedJob;
    const written = completedLot('Lot "7"', job.completedAt, photos, results.map(storedResult));
    const stored = await new JobReader(db.database).find(held.id, 'acme');
    const { metadataBytes, ...shown } = job;
    expect([stored, metadataBytes]).toMatchObject([shown, 2]);
    const read: string[] = [];
    for await (const lot of new LotResultReader(db.database).readLots(stored)) read.push(lot);
    expect(read).toEqual([renderLot(written, job)]);
  });
});

describe('the end of a synchronous lot', () => {
  it('ends its job with it, and counts each call once, beside those that were counted before', async () => {
    held = await aHeldJob(['en']);
    const note: UsageRow = { ...CALL, stage: 'translation', model: 'gpt-4.1-mini', costUsd: 0.5 };
    expect(await complete([english('<p>Dent.</p>')], { usage: [CALL, note] })).toMatchObject({ status: 'completed' });
    expect(await rowsOf('batch_jobs')).toMatchObject([
      {
        status: 'completed',
        stage: 'done',
        awaiting_vision: 0,
        processed_lots: 1,
        cost_usd: '0.50100000',
        lock_token: null,
      },
    ]);
    expect(await rowsOf('batch_lots')).toMatchObject([
      { status: 'completed', processed_images: 1, rendered_bytes: 100 },
    ]);
    expect(await rowsOf('job_usage')).toHaveLength(2);
    expect(await usageDifferences(db.database)).toEqual([]);
  });

  it('writes nothing for a process that lost its lease, nor twice', async () => {
    held = await aHeldJob(['en']);
    const own = held;
    held = { ...own, token: newId() };
    expect(await complete([english('<p>Theirs.</p>')], {}, true)).toBeUndefined();
    expect(await rowsOf('batch_lots')).toMatchObject([{ status: 'processing' }]);
    expect([await rowsOf('batch_results'), await rowsOf('job_usage')]).toEqual([[], []]);
    held = own;
    expect(await complete([english('<p>Ours.</p>')])).toBeDefined();
    expect(await complete([english('<p>Again.</p>')], {}, true)).toBeUndefined();
    expect(await rowsOf('batch_results')).toMatchObject([{ html: '<p>Ours.</p>' }]);
    expect(await rowsOf('job_usage')).toMatchObject([{ calls: 1 }]);
  });

  it('leaves a job that was handed over to a transaction that queues its webhooks', async () => {
    held = await aHeldJob(['en']);
    await db.database.execute('update batch_jobs set handed_over_at = now() where id = $1', [held.id]);
    expect(await complete([english('<p>Dent.</p>')])).toBeUndefined();
    expect(await rowsOf('batch_jobs')).toMatchObject([{ status: 'processing', cost_usd: '0.00000000' }]);
    expect(await rowsOf('batch_results')).toEqual([]);
    expect(await complete([english('<p>Dent.</p>')], {}, true)).toMatchObject({
      handedOverAt: expect.any(Date) as Date,
    });
  });
});
