import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobStore } from '../../src/jobs/job-store.js';
import {
  isTerminal,
  JOB_SQL,
  JOB_STATUSES,
  lotStatus,
  LOT_ENDED_SQL,
  LOT_SQL,
  mayBecome,
  runningState,
  TERMINAL_SQL,
  UNFINISHED_SQL,
} from '../../src/jobs/states.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { insertJob } from './fixtures.js';

const jobs = join(import.meta.dirname, '..', '..', 'src', 'jobs');

describe('the states', () => {
  it('the states of a job lead to ends that it never leaves', () => {
    expect(JOB_STATUSES.filter(isTerminal)).toEqual(['completed', 'failed', 'cancelled']);
    for (const status of JOB_STATUSES) {
      expect(JOB_STATUSES.some((next) => mayBecome(status, next))).toBe(!isTerminal(status));
      expect(mayBecome(status, 'pending')).toBe(false);
    }
    expect(mayBecome('translating', 'processing')).toBe(false);
  });

  it('an unfinished lot of a cancelled job reads as cancelled, a finished one as it ended', () => {
    expect(lotStatus('pending', 'cancelled')).toBe('cancelled');
    expect(lotStatus('translating', 'cancelled')).toBe('cancelled');
    expect(lotStatus('completed', 'cancelled')).toBe('completed');
    expect(lotStatus('failed', 'cancelled')).toBe('failed');
    expect(lotStatus('processing', 'processing')).toBe('processing');
  });

  it('the unfinished states in SQL are spelt as in the partial indexes of schema.sql', () => {
    const schema = readFileSync(join(jobs, '..', '..', 'schema.sql'), 'utf8');
    const index = /CREATE INDEX batch_jobs_unfinished_idx .* WHERE \(status = ANY \(ARRAY\[(.*)\]\)\)/.exec(
      schema,
    )?.[1];
    expect(`(${index?.replaceAll('::text', '')})`).toBe(UNFINISHED_SQL);
    expect(TERMINAL_SQL).toBe(`('completed', 'failed', 'cancelled')`);
    expect(LOT_ENDED_SQL).toBe(`('completed', 'failed')`);
  });

  it('the states of jobs and lots are those that the checks of schema.sql let through', () => {
    const schema = readFileSync(join(jobs, '..', '..', 'schema.sql'), 'utf8');
    const allowed = (constraint: string) =>
      new RegExp(`${constraint} CHECK \\(\\(status = ANY \\(ARRAY\\[(.*?)\\]`)
        .exec(schema)?.[1]
        ?.replaceAll('::text', '');
    expect(allowed('batch_jobs_status_check')).toBe(Object.values(JOB_SQL).join(', '));
    expect(allowed('batch_lots_status_check')).toBe(Object.values(LOT_SQL).join(', '));
  });

  it('no statement about jobs and lots has a state written as a word, which no compiler would check', () => {
    const words = /(?:status|stage)\s*(?:=|<>|in \(|not in \()\s*'[a-z_]+'/;
    const statements = readdirSync(jobs).flatMap((file) =>
      [...readFileSync(join(jobs, file), 'utf8').matchAll(/`[^`]*`/g)].map(([text]) => ({ file, text })),
    );
    expect(statements.length).toBeGreaterThan(100);
    expect(statements.filter(({ text }) => words.test(text) && !text.includes('openai_batches'))).toEqual([]);
  });
});

// Real: PostgreSQL.
describe('a running job', () => {
  let db: TestDatabase;

  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(async () => {
    await db.drop();
  });

  it('a running job has after each move the state and stage that follow from its counts', async () => {
    const store = new JobStore(db.database, { openai: { visionModel: 'o4-mini' } });
    const count = fc.integer({ min: 0, max: 3 });
    const counts = fc.record({ awaitingImages: count, awaitingVision: count, awaitingTranslation: count });
    const unfinished = fc.constantFrom(...JOB_STATUSES.filter((status) => !isTerminal(status)));
    await fc.assert(
      fc.asyncProperty(unfinished, counts, counts, async (status, before, after) => {
        const { id } = await insertJob(db.database, { status, ...before, totalLots: 100 });
        await db.database.transaction((tx) =>
          store.advance(tx, id, {
            awaitingImages: after.awaitingImages - before.awaitingImages,
            awaitingVision: after.awaitingVision - before.awaitingVision,
            awaitingTranslation: after.awaitingTranslation - before.awaitingTranslation,
          }),
        );
        const [row] = await db.database.query('select status, stage from batch_jobs where id = $1', [id]);
        expect(row).toEqual(runningState(after, status));
      }),
      { numRuns: 60 },
    );
  });
});
