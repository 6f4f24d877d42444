import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { JobReader, type JobFilter, type JobPageRequest } from '../../src/jobs/job-reader.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { insertJob } from './fixtures.js';

/** Real: PostgreSQL. Faked: nothing. */
describe('JobReader', () => {
  let db: TestDatabase;
  let reader: JobReader;

  beforeAll(async () => {
    db = await createTestDatabase();
    reader = new JobReader(db.database);
  });
  afterAll(() => db.drop());

  describe('find', () => {
    it('find reads a job of the key id, with every value in its type', async () => {
      const job = await insertJob(db.database, {
        options: { include: ['usage'] },
        metadata: { auction: 'A-17' },
        error: { code: 'INTERRUPTED', message: 'stopped' },
      });
      await db.database.execute(
        `update batch_jobs set cost_usd = 0.12345678, estimated_cost_usd = 25, processed_images = 3000000000 where id = $1`,
        [job.id],
      );
      await expect(reader.find(job.id.toUpperCase(), 'acme')).resolves.toEqual({
        id: job.id,
        keyId: 'acme',
        mode: 'batch',
        status: 'processing',
        stage: 'vision_analysis',
        languages: ['en', 'ru'],
        webhookUrl: null,
        lotWebhooks: false,
        options: { include: ['usage'] },
        metadata: { auction: 'A-17' },
        totalLots: 2,
        processedLots: 0,
        failedLots: 0,
        awaitingImages: 0,
        awaitingVision: 2,
        awaitingTranslation: 0,
        processedImages: 3_000_000_000,
        costUsd: 0.12345678,
        estimatedCostUsd: 25,
        error: { code: 'INTERRUPTED', message: 'stopped' },
        failures: {},
        revision: 0,
        retryOf: null,
        showsReview: false,
        version: 1,
        createdAt: job.createdAt,
        updatedAt: job.createdAt,
        startedAt: null,
        handedOverAt: null,
        completedAt: null,
        cancelledAt: null,
        pausedAt: null,
        pausedByClient: false,
        pausedByOperator: false,
        pausedMs: 0,
      });
    });

    it('find passes over the job of another key id, a job that never was, and what is no id', async () => {
      const job = await insertJob(db.database);
      for (const [id, keyId] of [
        [job.id, 'beta'],
        [newId(), 'acme'],
        ['not-an-id', 'acme'],
        ["' or 1=1 --", 'acme'],
        ['', 'acme'],
      ] as const) {
        await expect(reader.find(id, keyId)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
      }
    });

    it('find gives any key id’s job to an unsigned reader', async () => {
      const job = await insertJob(db.database, { keyId: 'beta' });
      await expect(reader.find(job.id, null)).resolves.toMatchObject({ id: job.id, keyId: 'beta' });
    });
  });

  describe('list', () => {
    const keyId = 'lister';
    const day = (n: number) => new Date(Date.UTC(2026, 0, n));
    let ids: string[];

    beforeAll(async () => {
      const jobs = [
        await insertJob(db.database, { keyId, createdAt: day(1), status: 'completed' }),
        await insertJob(db.database, { keyId, createdAt: day(2), mode: 'sync' }),
        await insertJob(db.database, { keyId, createdAt: day(3), mode: 'sync', handedOverAt: day(3) }),
        await insertJob(db.database, { keyId, createdAt: day(4) }),
        await insertJob(db.database, { keyId, createdAt: day(5), status: 'completed' }),
      ];
      ids = jobs.map(({ id }) => id);
      await insertJob(db.database, { keyId: 'other', createdAt: day(3) });
    });

    const positions = async (filter: Partial<JobFilter>, page: Partial<JobPageRequest> = {}) => {
      const { jobs, total, hasMore } = await reader.list({ keyId, ...filter }, { limit: 10, offset: 0, ...page });
      return { jobs: jobs.map(({ id }) => ids.indexOf(id)), total, hasMore };
    };

    it('list shows a key’s jobs, the latest first, without synchronous ones that were answered at once', async () => {
      await expect(positions({})).resolves.toEqual({ jobs: [4, 3, 2, 0], total: 4, hasMore: false });
    });

    it('list filters by mode, state and time', async () => {
      await expect(positions({ mode: 'sync' })).resolves.toMatchObject({ jobs: [2, 1], total: 2 });
      await expect(positions({ mode: 'batch' })).resolves.toMatchObject({ jobs: [4, 3, 0] });
      await expect(positions({ statuses: ['completed'] })).resolves.toMatchObject({ jobs: [4, 0] });
      await expect(positions({ createdAfter: day(3), createdBefore: day(5) })).resolves.toMatchObject({ jobs: [3, 2] });
    });

    it('list pages by offset and by the last id, with the same total', async () => {
      await expect(positions({}, { limit: 2, offset: 1 })).resolves.toEqual({ jobs: [3, 2], total: 4, hasMore: true });
      await expect(positions({}, { limit: 2, afterId: ids[3] as string })).resolves.toEqual({
        jobs: [2, 0],
        total: 4,
        hasMore: false,
      });
    });
  });
});
