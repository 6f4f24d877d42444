import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Transaction } from './database.service.js';

/** Every statement on the table waits behind the one that waits for the lock, so it gives up soon and comes again. */
const LOCK_MS = 300;
/** A statement that takes longer is ended, and nothing is changed. */
const WORK_MS = 1000;
/** What keeps nobody out but autovacuum, which gives way after `deadlock_timeout` (1 s), may be waited for longer. */
const AHEAD_MS = 10_000;
const PAUSE_MS = [200, 1500] as const;
/** An upload that is being written holds its tables for as long as it lasts. */
const PATIENCE_MS = 5 * 60_000;

const SHORT = `select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)`;
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';

/** The lock did not come free for minutes. */
export class LockBusyError extends Error {
  override readonly name = 'LockBusyError';

  constructor() {
    super(
      'Something has held the tables for minutes, such as a long transaction. Nothing was changed; repeat the command.',
    );
  }
}

/** What to lock; the names are constants of the code or come from the catalogue. */
export interface BriefLock {
  /** Any fixed number: only one process at a time does what belongs to it. */
  readonly turn: number;
  /** Tables that autovacuum must leave first, already quoted. With their partitions. */
  readonly ahead: readonly string[];
  /** Tables without their partitions that nobody else may use meanwhile, already quoted. */
  readonly tables: readonly string[];
}

/** What was changed, and for how many milliseconds others may have waited for it. */
export interface Changed<T> {
  readonly result: T;
  readonly heldMs: number;
}

/**
 * Changes tables that a running service uses, in one short transaction. Nobody waits longer for it than {@link LOCK_MS} and the
 * time that `work` takes: if the lock is not to be had, the transaction ends, and another one tries again.
 * @throws LockBusyError after five minutes
 */
export async function withBriefLock<T>(
  database: Database,
  { turn, ahead, tables }: BriefLock,
  work: (tx: Transaction) => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<Changed<T>> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      let since = 0;
      const result = await database.transaction(async (tx) => {
        await tx.query(`select set_config('lock_timeout', $1, true)`, [`${AHEAD_MS}ms`]);
        await tx.query('select pg_advisory_xact_lock($1)', [turn]);
        // Before the lock that keeps everybody out: autovacuum gives way to one that has waited for a second, which is too long for
        // the other one.
        for (const table of ahead) await tx.execute(`lock table ${table} in share update exclusive mode`);
        await tx.query(SHORT, [`${LOCK_MS}ms`, `${WORK_MS}ms`]);
        since = performance.now();
        for (const table of tables) await tx.execute(`lock table only ${table} in access exclusive mode`);
        return await work(tx);
      });
      return { result, heldMs: Math.round(performance.now() - since) };
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK) throw error;
      if (performance.now() > end) throw new LockBusyError();
    }
    await sleep(PAUSE_MS[0] + Math.random() * (PAUSE_MS[1] - PAUSE_MS[0]));
  }
}
