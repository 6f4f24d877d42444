import type { Pool } from 'pg';

/** Whether a connection of the pool is there, or may be opened, without waiting for others. */
export function hasFreeConnection({
  idleCount,
  totalCount,
  waitingCount,
  options,
}: Pick<Pool, 'idleCount' | 'totalCount' | 'waitingCount' | 'options'>): boolean {
  return waitingCount === 0 && (idleCount > 0 || totalCount < options.max);
}
