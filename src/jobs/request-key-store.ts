import { Injectable } from '@nestjs/common';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import { ServiceError } from '../common/service-error.js';
import { endedInVain } from './job-store.js';
import type { RequestKey } from './request-key.entity.js';

/** How long a repeat waits for the first request to commit before it gets REQUEST_IN_PROGRESS. */
export const TWIN_WAIT = '250ms';
const LOCK_NOT_AVAILABLE = '55P03';

export type NewRequestKey = Pick<RequestKey, 'keyId' | 'kind' | 'value' | 'jobId' | 'bodyHash' | 'expiresAt'>;

/**
 * SQL that claims a key that is new or expired, or whose job failed or was cancelled.
 * @param source - SQL of the six values
 */
export function claimKeySql(source: string): string {
  return `insert into request_keys as k (key_id, kind, value, job_id, body_hash, expires_at) ${source}
    on conflict (key_id, kind, value) do update
      set job_id = excluded.job_id, body_hash = excluded.body_hash, expires_at = excluded.expires_at
      where k.expires_at <= now() or ${endedInVain('k.job_id')}
    returning 1`;
}

/**
 * Turns the error of a claim into REQUEST_IN_PROGRESS if the key stayed locked, because the first request is being
 * accepted. PostgreSQL names the table whose row was waited for; another lock is no twin's, such as Citus' on a shard that it moves.
 */
export function inProgressOr(error: unknown): unknown {
  const { code, where } = error as { code?: unknown; where?: unknown };
  if (code !== LOCK_NOT_AVAILABLE || typeof where !== 'string' || !where.includes('request_keys')) return error;
  return requestInProgress(error);
}

export function requestInProgress(cause?: unknown): ServiceError {
  return new ServiceError(
    'REQUEST_IN_PROGRESS',
    'The same request is just being accepted; send it again in a moment.',
    {
      headers: { 'Retry-After': '1' },
      cause,
    },
  );
}

/** Recognizes repeats of a request: by Idempotency-Key, by signature, or by the body's bytes. */
@Injectable()
export class RequestKeyStore {
  constructor(private readonly database: Database) {}

  /**
   * Remembers a request, as the first statement of the transaction that accepts it, or finds the request that it
   * repeats. A key that has expired, or whose job failed or was cancelled, is used again.
   * @returns null when the request is new, else the id of the job that the first one made
   * @throws ServiceError REQUEST_IN_PROGRESS while the first one's transaction is open
   * @throws ServiceError IDEMPOTENCY_KEY_REUSED when the Idempotency-Key came with another body before
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
   * Runs `work` in the transaction that remembers the request, unless the request is a repeat.
   * @param key - null when repeats cannot be recognized: the work is always done then
   * @returns null when the work was done, else the id of the first request's job; nothing was done then
   * @throws ServiceError as {@link claim} does
   */
  async once(tx: Transaction, key: NewRequestKey | null, work: () => Promise<void>): Promise<string | null> {
    const first = key === null ? null : await this.claim(tx, key);
    if (first === null) await work();
    return first;
  }

  /** The id of the job that an earlier request with this key made, or null. */
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
        'This Idempotency-Key was already used with another body; use a new key for a new request.',
      );
    }
    return row.job_id;
  }

  /** Removes some expired keys, skipping those that another process is removing. @returns how many were removed */
  async sweep(limit = 1000): Promise<number> {
    return this.database.execute(
      `delete from request_keys where (key_id, kind, value) in (
         select key_id, kind, value from request_keys where expires_at <= now()
         order by expires_at limit $1 for update skip locked)`,
      [limit],
    );
  }
}
