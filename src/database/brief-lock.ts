import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Transaction } from './database.service.js';

/** Every statement on the table waits behind the one that waits for the lock, so it gives up soon and comes again. */
const LOCK_MS = 200;
/** A statement that takes longer is ended, and nothing is changed. */
const WORK_MS = 1000;
/** What keeps nobody out but autovacuum, which gives way after `deadlock_timeout` (1 s), may be waited for longer. */
const AHEAD_MS = 10_000;
const PAUSE_MS = [200, 1500] as const;
/** An upload that is being written holds its tables for as long as it lasts. */
const PATIENCE_MS = 5 * 60_000;

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';
const DIVISION_BY_ZERO = '22012';

/** The lock did not come free for minutes. */
class LockBusyError extends Error {
  override readonly name = 'LockBusyError';

  constructor() {
    super(
      'Something has held the tables for minutes, such as a long transaction. What was done before stays; repeat the command.',
    );
  }
}

/** What to lock. */
export interface BriefLock {
  /** Any fixed number: only one process at a time does what belongs to it. */
  readonly turn: number;
  /** Tables that nobody may alter from now on and autovacuum must leave, already quoted. With their partitions. */
  readonly ahead: readonly string[];
  /** Tables without their partitions that nobody else may use meanwhile, already quoted. */
  readonly tables: readonly string[];
}

/** What is to be done under the lock, and what comes of it. */
export interface Plan<T> {
  readonly result: T;
  /** Nothing: no lock is taken. */
  readonly statements: readonly string[];
}

/** What was done, and for how many milliseconds others may have waited for it. */
export interface Changed<T> {
  readonly result: T;
  readonly heldMs: number;
}

/**
 * Changes tables that a running service uses, in one short transaction. What has to be known is read before the lock is taken, and
 * all statements go to the server at once, so that it is held for no longer than they take. If it is not to be had within
 * {@link LOCK_MS}, the transaction ends, and another one tries again.
 * @param plan - asked again for each try. What must still be true under the lock is a statement by {@link assured}
 * @param signal - of a process that is ending: no further try begins
 * @throws LockBusyError after five minutes
 */
export async function withBriefLock<T>(
  database: Database,
  { turn, ahead, tables }: BriefLock,
  plan: (tx: Transaction) => Promise<Plan<T>>,
  signal?: AbortSignal,
): Promise<Changed<T>> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    signal?.throwIfAborted();
    try {
      let since = 0;
      const result = await database.transaction(async (tx) => {
        await tx.query(`select set_config('lock_timeout', $1, true)`, [`${AHEAD_MS}ms`]);
        await tx.query('select pg_advisory_xact_lock($1)', [turn]);
        // Before the lock that keeps everybody out: autovacuum gives way to one that has waited for a second, which is too long for
        // the other one.
        for (const table of ahead) await tx.execute(`lock table ${table} in share update exclusive mode`);
        const planned = await plan(tx);
        since = performance.now();
        if (planned.statements.length === 0) return planned.result;
        // On the client itself: a named statement cannot be several.
        await tx.client.query(
          [
            `select set_config('lock_timeout', '${LOCK_MS}ms', true), set_config('statement_timeout', '${WORK_MS}ms', true)`,
            ...tables.map((table) => `lock table only ${table} in access exclusive mode`),
            ...planned.statements,
          ].join(';\n'),
        );
        return planned.result;
      });
      return { result, heldMs: Math.round(performance.now() - since) };
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK && code !== DIVISION_BY_ZERO) throw error;
      if (performance.now() > end) throw new LockBusyError();
    }
    await sleep(PAUSE_MS[0] + Math.random() * (PAUSE_MS[1] - PAUSE_MS[0]), null, { ...(signal && { signal }) });
  }
}

/** A statement that fails unless the condition is true; then all is planned anew. */
export function assured(condition: string): string {
  return `select 1 / (case when ${condition} then 1 else 0 end)`;
}
