import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { isDatabaseAway } from '../common/database-away.js';

/** How long a start waits for its database: a new database container needs about ten seconds. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;

/**
 * A wrong name or password, or a database that does not exist. Only a person can fix this, so the start fails at once.
 */
const NEEDS_A_PERSON = /^(?:28|3D000)/;

/**
 * Runs `work` again and again while the database cannot be reached, because service and database may be started at the
 * same moment.
 * @throws what `work` throws, if waiting does not help or `patienceMs` milliseconds are over
 */
export async function onceReachable<T>(work: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const logger = new Logger('Database');
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || performance.now() >= end) throw error;
      logger.warn('the database cannot be reached yet', { reason: (error as Error).message || codeOf(error) });
    }
    await sleep(PAUSE_MS);
  }
}

function mayPass(error: unknown): boolean {
  return isDatabaseAway(error) && !NEEDS_A_PERSON.test(codeOf(error));
}

function codeOf(error: unknown): string {
  const { code, driverError } = error as { code?: unknown; driverError?: { code?: unknown } };
  const known = code ?? driverError?.code;
  return typeof known === 'string' ? known : '';
}
