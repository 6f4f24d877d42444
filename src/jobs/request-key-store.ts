import { Injectable } from '@nestjs/common';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import { ServiceError } from '../common/service-error.js';
import { endedInVain } from './job-store.js';
import type { RequestKey } from './request-key.entity.js';

/** How long a twin waits for the first to be taken in before it is told to come back. */
export const TWIN_WAIT = '250ms';
const LOCK_NOT_AVAILABLE = '55P03';

export type NewRequestKey = Pick<RequestKey, 'keyId' | 'kind' | 'value' | 'jobId' | 'bodyHash' | 'expiresAt'>;

/** Claims a key that is new, over, or whose job failed or was cancelled. `source` gives the six columns' values. */
export function claimKeySql(source: string): string {
  return `insert into request_keys as k (key_id, kind, value, job_id, body_hash, expires_at) ${source}
    on conflict (key_id, kind, value) do update
      set job_id = excluded.job_id, body_hash = excluded.body_hash, expires_at = excluded.expires_at
      where k.expires_at <= now() or ${endedInVain('k.job_id')}
    returning 1`;
}

/** The error of a claim as its caller throws it: a key that stayed locked means that a twin is being taken in. */
export function inProgressOr(error: unknown): unknown {
  if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) return error;
  return new ServiceError('REQUEST_IN_PROGRESS', 'The same request is being taken in; send it again in a moment.', {
    headers: { 'Retry-After': '1' },
    cause: error,
  });
}

/** Repeats of a request: by Idempotency-Key, by signature, or by the body's bytes. */
@Injectable()
export class RequestKeyStore {
  constructor(private readonly database: Database) {}

  /**
   * Remembers a request as the first statement of its intake transaction, or finds the one it repeats.
   * A key whose time is over, or whose job failed or was cancelled, is taken over.
   * @returns null when the request is new, else the job that the first one made
   * @throws ServiceError REQUEST_IN_PROGRESS while the first one's transaction is open
   * @throws ServiceError IDEMPOTENCY_KEY_REUSED when an Idempotency-Key came with another body
   */
  async claim(tx: Transaction, key: NewRequestKey): Promise<string | null> {
    await tx.execute(`set local lock_timeout = '${TWIN_WAIT}'`);
    try {
      const claimed = await tx.query(claimKeySql('values ($1, $2, $3, $4, $5, $6)'), [
        key.keyId,
        key.kind,
        key.value,
        key.jobId,
        key.bodyHash,
        key.expiresAt,
      ]);
      await tx.execute('set local lock_timeout = 0');
      if (claimed.length > 0) return null;
    } catch (error) {
      throw inProgressOr(error);
    }
    return this.find(tx, key);
  }

  /**
   * Does `work` in the transaction that remembers the request, unless it repeats one that did.
   * @param key - null where nothing tells repeats apart: the work is done
   * @returns null when the work was done, else what {@link claim} found: nothing was done for a repeat
   * @throws ServiceError what {@link claim} throws
   */
  async once(tx: Transaction, key: NewRequestKey | null, work: () => Promise<void>): Promise<string | null> {
    const first = key === null ? null : await this.claim(tx, key);
    if (first === null) await work();
    return first;
  }

  /** The job that an earlier request with this key made, or null. */
  async find(sql: Sql, key: Pick<NewRequestKey, 'keyId' | 'kind' | 'value' | 'bodyHash'>): Promise<string | null> {
    const [row] = await sql.query<{ job_id: string; body_hash: string }>(
      `select k.job_id, k.body_hash from request_keys k
       where k.key_id = $1 and k.kind = $2 and k.value = $3 and k.expires_at > now()
         and not ${endedInVain('k.job_id')}`,
      [key.keyId, key.kind, key.value],
    );
    if (row === undefined) return null;
    if (row.body_hash !== key.bodyHash) {
      throw new ServiceError(
        'IDEMPOTENCY_KEY_REUSED',
        'This Idempotency-Key came with another body before; use a new key for a new request.',
      );
    }
    return row.job_id;
  }

  /** Removes keys whose time is over, a few at a time, others than those that another process removes; returns how many went. */
  async sweep(limit = 1000): Promise<number> {
    return this.database.execute(
      `delete from request_keys where (key_id, kind, value) in (
         select key_id, kind, value from request_keys where expires_at <= now()
         order by expires_at limit $1 for update skip locked)`,
      [limit],
    );
  }
}
