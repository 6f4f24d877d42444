import { describe, expect, it } from 'vitest';
import { signJobId } from '../../src/auth/signatures.js';
import { insertJob, insertLot } from '../jobs/fixtures.js';
import { secretOf, startPollingApp } from './polling-app.js';

describe('LEGACY_UNSIGNED_READS', () => {
  const aliases = (id: string) => [`/api/v1/jobs/${id}`, `/api/v1/jobs/${id}/status`];

  it('LEGACY_UNSIGNED_READS opens the reads of any job, under the old addresses too, without signature or with that of nothing', async () => {
    const polling = await startPollingApp({ LEGACY_UNSIGNED_READS: 'true' });
    try {
      const job = await insertJob(polling.db.database, { keyId: 'beta', status: 'completed', totalLots: 1 });
      await insertLot(polling.db.database, job.id, 0, {
        status: 'failed',
        error: { code: 'NO_IMAGES', message: 'none' },
      });
      const reads = [
        `/api/v1/batch-status/${job.id}`,
        `/api/v1/batch-results/${job.id}`,
        `/api/v1/batch-results/${job.id}/download`,
        ...aliases(job.id),
      ];
      for (const path of reads) {
        const unsigned = await fetch(polling.origin + path);
        expect(unsigned.status).toBe(200);
        expect(await unsigned.json()).toMatchObject({ job_id: job.id });
        const headers = { 'X-Signature': signJobId(secretOf('acme'), '') };
        expect((await fetch(polling.origin + path, { headers })).status).toBe(200);
      }
      for (const path of [`/api/v1/batch-jobs`, `/api/v1/batch-jobs/${job.id}/events`]) {
        expect((await fetch(polling.origin + path)).status).toBe(401);
      }
    } finally {
      await polling.close();
    }
  });

  it('LEGACY_UNSIGNED_READS is off by default: the old addresses name their replacement', async () => {
    const polling = await startPollingApp();
    try {
      const job = await insertJob(polling.db.database);
      for (const path of aliases(job.id)) {
        const { status, body } = await polling.json(path);
        expect(status).toBe(404);
        expect(body).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('/api/v1/batch-status/') });
      }
    } finally {
      await polling.close();
    }
  });
});
