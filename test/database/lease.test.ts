import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claimMany, type Claim } from '../../src/database/claim.js';
import type { Sql } from '../../src/database/database.service.js';
import { Lease, LeaseLostError } from '../../src/database/lease.js';
import { dueTable } from '../../src/database/lease-table.js';
import { Leases } from '../../src/database/leases.service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Real: PostgreSQL and its clock. Faked in two tests: the database's absence during a renewal.

interface Task {
  job_id: string;
  position: number;
  attempts: number;
  due_at: Date;
  lock_token: string | null;
}

const TASKS = dueTable('tasks', ['job_id', 'position'], 'due_at');
const JOB = '0190a0c0-0000-7000-8000-000000000001';
const request = { table: TASKS, where: 'attempts < $1', values: [5], orderBy: 'position', leaseSeconds: 60 };

let db: TestDatabase;

beforeAll(async () => {
  db = await createTestDatabase();
  await db.database.execute(
    `create table tasks (job_id uuid, position integer, attempts integer not null default 0,
       due_at timestamptz not null default now() - interval '1 minute', lock_token uuid, primary key (job_id, position))`,
  );
});
afterAll(() => db.drop());

beforeEach(async () => {
  await db.database.execute('truncate tasks');
  await db.database.execute('insert into tasks (job_id, position) select $1, n from generate_series(1, 20) n', [JOB]);
});

const expire = (position: number) =>
  db.database.execute(`update tasks set due_at = clock_timestamp() - interval '1 second' where position = $1`, [
    position,
  ]);
const rowAt = async (position: number) =>
  (await db.database.query<Task>('select * from tasks where position = $1', [position]))[0] as Task;

async function claimFirst(leaseSeconds = 60): Promise<Claim<Task>> {
  const [claim] = await claimMany<Task>(db.database, { ...request, leaseSeconds, limit: 1 });
  if (claim === undefined) throw new Error('nothing to claim');
  return claim;
}

describe('a claim', () => {
  it('a claim takes rows in their order, with a lease by the server’s clock and a token each', async () => {
    const claims = await claimMany<Task>(db.database, { ...request, limit: 3 });
    expect(claims.map((claim) => claim.row.position)).toEqual([1, 2, 3]);
    expect(new Set(claims.map((claim) => claim.token)).size).toBe(3);
    expect(claims[0]?.key).toEqual([JOB, 1]);
    expect(Object.keys(claims[0]?.row ?? {})).not.toContain('claim_order');
    const [left] = await db.database.query<{ held: boolean }>(
      `select due_at between clock_timestamp() + interval '50 seconds' and clock_timestamp() + interval '60 seconds'
         as held from tasks where position = 1`,
    );
    expect(left?.held).toBe(true);
  });

  it('a claim never gives a row to two of many who claim at once, and leaves none out', async () => {
    const claims = await Promise.all(
      Array.from({ length: 5 }, () => claimMany<Task>(db.database, { ...request, limit: 4 })),
    );
    const positions = claims.flat().map((claim) => claim.row.position);
    expect(positions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it('a claim passes over rows that a transaction has locked, without waiting for it', async () => {
    await db.database.transaction(async (tx) => {
      await tx.query('select 1 from tasks where position <= 2 for update');
      expect((await claimFirst()).row.position).toBe(3);
    });
  });

  it('a claim takes a row again when its lease is over, and no sooner', async () => {
    const first = await claimFirst();
    expect((await claimFirst()).row.position).toBe(2);
    await expire(1);
    const second = await claimFirst();
    expect(second.row.position).toBe(1);
    expect(second.token).not.toBe(first.token);
    // Nobody released it: what its process wrote last may be there in part.
    expect([first.takenOver, second.takenOver]).toEqual([false, true]);
  });

  it('a claim answers nothing when nothing is due', async () => {
    expect(await claimMany(db.database, { ...request, values: [0], limit: 1 })).toEqual([]);
  });

  it('a claim takes what is due only', async () => {
    await db.database.execute(`update tasks set due_at = now() + interval '1 hour' where position <> 7`);
    const claims = await claimMany<Task>(db.database, { ...request, limit: 5 });
    expect(claims.map((claim) => claim.row.position)).toEqual([7]);
  });
});

describe('a lease', () => {
  it('a lease is renewed for as long as the work goes on', async () => {
    const claim = await claimFirst(2);
    const leases = new Leases(db.database, { jobs: { leaseSeconds: 2 } });
    await leases.runWithLease(claim, async (lease) => {
      // Past the first lease by the server's clock: only renewals can have kept it.
      await db.database.query('select pg_sleep(2.2)');
      expect(lease.signal.aborted).toBe(false);
      expect((await rowAt(1)).lock_token).toBe(claim.token);
      expect((await claimFirst()).row.position).toBe(2);
    });
  });

  it('a lease aborts the work as soon as a renewal finds another holder', async () => {
    const claim = await claimFirst(1);
    const lease = new Lease(db.database, claim);
    await db.database.execute('update tasks set lock_token = $1 where position = 1', [randomUUID()]);
    await once(lease.signal, 'abort');
    expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(String(lease.signal.reason)).toMatch(/another holder/);
  });

  it('a lease ends by its own clock when the database stays away', async () => {
    const lease = new Lease(awayFor(Infinity), await claimFirst(1));
    await once(lease.signal, 'abort');
    expect(String(lease.signal.reason)).toMatch(/its time is over/);
  });

  it('a lease outlives a database that is away for one renewal', async () => {
    const lease = new Lease(awayFor(1), await claimFirst(2));
    await db.database.query('select pg_sleep(2.2)');
    expect(lease.signal.aborted).toBe(false);
    lease.stop();
  });

  it('a lease of work that throws runs out by itself', async () => {
    const claim = await claimFirst();
    const leases = new Leases(db.database, { jobs: { leaseSeconds: 60 } });
    await expect(leases.runWithLease(claim, () => Promise.reject(new Error('work failed')))).rejects.toThrow(
      'work failed',
    );
    expect((await rowAt(1)).lock_token).toBe(claim.token);
    await sleep(0);
  });
});

/** The database. Its first `calls` statements fail as if the server were away. */
function awayFor(calls: number): Sql {
  let left = calls;
  return {
    query: (text, values) => db.database.query(text, values),
    rows: (text, values) => db.database.rows(text, values),
    execute: async (text, values) => {
      if (left-- > 0) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      return db.database.execute(text, values);
    },
  };
}
