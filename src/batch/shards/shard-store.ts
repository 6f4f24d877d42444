import { Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import type { Claim } from '../../database/claim.js';
import { Database, type Sql, type Transaction } from '../../database/database.service.js';
import { LeaseLostError } from '../../database/lease.js';
import { dueTable, keyIs } from '../../database/lease-table.js';
import { storableName } from '../../database/storable-text.js';
import { Leases } from '../../database/leases.service.js';
import { assertStep, isAtOpenAi, isIn, isUnfinished, restsWhilePaused, type ShardStatus } from './shard-states.js';
import { shardRanges, type ShardPlan } from './shard-planner.js';
import { PAUSED_JOBS_SQL } from '../../jobs/job-pause-store.js';
import type { ModelStage } from '../../jobs/states.js';

/** A row of openai_batches as a claim returns it; bigint columns come as text. */
export interface ShardRow extends QueryResultRow {
  readonly job_id: string;
  readonly stage: ModelStage;
  readonly first_position: number;
  readonly attempt: number;
  readonly last_position: number;
  readonly key_id: string;
  readonly model: string;
  readonly status: ShardStatus;
  readonly submission: number;
  readonly photos_position: number;
  readonly upstream: string | null;
  readonly input_file_id: string | null;
  readonly batch_id: string | null;
  readonly output_file_id: string | null;
  readonly error_file_id: string | null;
  readonly upstream_status: string | null;
  readonly request_total: number;
  readonly request_completed: number;
  readonly request_failed: number;
  readonly estimated_tokens: string;
  readonly cursor_file: 'output' | 'error' | null;
  readonly cursor_bytes: string;
  readonly reserved_usd: string;
  readonly failures: number;
  readonly reason: string | null;
  readonly cancel_requested: boolean;
  readonly created_at: Date;
  readonly submitted_at: Date | null;
  readonly finished_at: Date | null;
}

export type ShardClaim = Claim<ShardRow>;

/**
 * Whether what was last written for the shard may be there in part: its process died or its write failed, and lots that lie on another
 * server are committed before their job.
 */
export function mayBeHalfWritten({ takenOver, row }: ShardClaim): boolean {
  return takenOver || row.failures > 0;
}

/** Columns that a stage may set. */
export type ShardChanges = Partial<{
  last_position: number;
  model: string;
  status: ShardStatus;
  submission: number;
  photos_position: number;
  upstream: string;
  input_file_id: string | null;
  batch_id: string | null;
  output_file_id: string | null;
  error_file_id: string | null;
  upstream_status: string | null;
  request_total: number;
  request_completed: number;
  request_failed: number;
  input_bytes: number;
  estimated_tokens: number;
  cursor_file: 'output' | 'error' | null;
  cursor_bytes: number;
  reserved_usd: number;
  failures: number;
  reason: string | null;
  submitted_at: Date;
  finished_at: Date;
}>;

export interface NewShard {
  readonly jobId: string;
  readonly stage: ModelStage;
  readonly first: number;
  readonly last: number;
  readonly attempt: number;
  readonly keyId: string;
  readonly model: string;
  readonly status: ShardStatus;
  /** Seconds until it is due. */
  readonly delaySeconds?: number;
  /** When its lots began to wait; now by default. */
  readonly since?: Date;
}

export const SHARDS = dueTable('openai_batches', ['job_id', 'stage', 'first_position', 'attempt'], 'next_check_at');

/** How many shards a key has at OpenAI: the key with the fewest is served first. */
const ACTIVE_OF_KEY = `(select count(*) from openai_batches a
  where a.key_id = openai_batches.key_id and ${isAtOpenAi('a.')})`;

/** The shards' rows. Every write names the holder's token, so a process never changes a row that another took over. */
@Injectable()
export class ShardStore {
  constructor(
    private readonly database: Database,
    private readonly leases: Leases,
  ) {}

  /** Claims shards that are due in one of these states; in those that begin something, none of a paused job. */
  claim(statuses: readonly ShardStatus[], limit: number): Promise<ShardClaim[]> {
    const running = statuses.some(restsWhilePaused) ? ` and job_id not in ${PAUSED_JOBS_SQL}` : '';
    return this.leases.claimMany<ShardRow>({
      table: SHARDS,
      // Written out so that the partial index of unfinished shards can be used.
      where: `status = any($1::text[]) and ${isUnfinished()}${running}`,
      values: [statuses],
      orderBy: statuses.includes('queued') ? `${ACTIVE_OF_KEY}, created_at, next_check_at` : 'next_check_at',
      limit,
    });
  }

  async claimCancelledWhilePaused(limit: number): Promise<ShardClaim[]> {
    return this.leases.claimMany<ShardRow>({
      table: SHARDS,
      where: `${isIn('paused')} and cancel_requested`,
      orderBy: 'next_check_at',
      limit,
    });
  }

  /**
   * Writes changes to a claimed shard and keeps the claim; the lease starts over.
   * @throws LeaseLostError when another process has it; the transaction must not be committed then
   */
  async step(sql: Sql, claim: ShardClaim, changes: ShardChanges): Promise<void> {
    await this.write(sql, claim, changes, claim.leaseSeconds, true);
  }

  /**
   * Writes changes to a claimed shard and releases the claim; it is due again after `delaySeconds`.
   * @throws LeaseLostError
   */
  async letGo(sql: Sql, claim: ShardClaim, changes: ShardChanges, delaySeconds = 0): Promise<void> {
    await this.write(sql, claim, changes, delaySeconds, false);
  }

  /**
   * Releases a claim whose job is paused: the shard goes on where it is once the job is resumed.
   * @throws LeaseLostError
   */
  async putAside(sql: Sql, claim: ShardClaim): Promise<void> {
    await this.letGo(sql, claim, { failures: claim.row.failures });
  }

  /**
   * Counts an unexpected failure and keeps the claim for another lease, so that only one process handles the failure.
   * @returns the number of failures in a row
   * @throws LeaseLostError
   */
  async countFailure(sql: Sql, claim: ShardClaim): Promise<number> {
    const [row] = await sql.query<{ failures: number }>(
      `update openai_batches set failures = failures + 1,
         next_check_at = clock_timestamp() + make_interval(secs => $${claim.key.length + 2})
       where ${keyIs(SHARDS, 2)} and lock_token = $1 returning failures`,
      [claim.token, ...claim.key, claim.leaseSeconds],
    );
    if (row === undefined) throw new LeaseLostError(SHARDS.name, 'another holder has it');
    return row.failures;
  }

  /** Locks the claimed row until the transaction ends. @throws LeaseLostError */
  async fence(tx: Transaction, claim: ShardClaim): Promise<void> {
    const rows = await tx.query(
      `select 1 from openai_batches where ${keyIs(SHARDS, 2)} and lock_token = $1 for update`,
      [claim.token, ...claim.key],
    );
    if (rows.length === 0) throw new LeaseLostError(SHARDS.name, 'another holder has it');
  }

  /** Inserts the vision shards of a new job, in the transaction that accepts it. */
  async plan(tx: Transaction, { jobId, keyId, totalLots, visionModel }: ShardPlan): Promise<void> {
    const ranges = shardRanges(totalLots);
    await tx.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
         photos_position, next_check_at, created_at)
       select $1, 'vision', r.first, 0, r.last, $2, $3, $6, r.first, now(), now()
       from unnest($4::int[], $5::int[]) as r (first, last)`,
      [
        jobId,
        keyId,
        visionModel,
        ranges.map(({ first }) => first),
        ranges.map(({ last }) => last),
        'checking_photos' satisfies ShardStatus,
      ],
    );
  }

  /** Inserts a shard, in the transaction that gives it its lots. A shard that is there already stays as it is. */
  async insert(tx: Transaction, shard: NewShard): Promise<void> {
    await tx.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
         photos_position, next_check_at, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $3, clock_timestamp() + make_interval(secs => $9), coalesce($10, now()))
       on conflict do nothing`,
      [
        shard.jobId,
        shard.stage,
        shard.first,
        shard.attempt,
        shard.last,
        shard.keyId,
        shard.model,
        shard.status,
        shard.delaySeconds ?? 0,
        shard.since ?? null,
      ],
    );
  }

  /** Makes queued shards with one of these reasons due now; called whenever a batch has left OpenAI's queue. */
  async wakeWaiting(reasons: readonly string[]): Promise<void> {
    await this.database.execute(
      `update openai_batches set next_check_at = clock_timestamp() where (job_id, stage, first_position, attempt) in (
         select job_id, stage, first_position, attempt from openai_batches
         where ${isIn('queued')} and reason = any($1::text[]) and lock_token is null and next_check_at > clock_timestamp()
         for update skip locked)`,
      [reasons],
    );
  }

  private async write(
    sql: Sql,
    claim: ShardClaim,
    changes: ShardChanges,
    seconds: number,
    keep: boolean,
  ): Promise<void> {
    if (changes.status !== undefined) assertStep(claim.row.status, changes.status);
    const values: unknown[] = [claim.token, ...claim.key, seconds];
    const due = values.length;
    // A stage that writes something has succeeded, so the shard's count of failures in a row starts over.
    const assignments = Object.entries({ failures: 0, ...changes }).map(
      ([column, value]) => `${column} = $${values.push(storable(column, value))}`,
    );
    const touched = await sql.execute(
      `update openai_batches set ${assignments.map((assignment) => `${assignment}, `).join('')}
         next_check_at = clock_timestamp() + make_interval(secs => $${due})${keep ? '' : ', lock_token = null'}
       where ${keyIs(SHARDS, 2)} and lock_token = $1`,
      values,
    );
    if (touched === 0) throw new LeaseLostError(SHARDS.name, 'another holder has it');
  }
}

const LARGEST_INTEGER = 2 ** 31 - 1;
const LARGEST_BIGINT = Number.MAX_SAFE_INTEGER;
const BIGINTS: ReadonlySet<string> = new Set(['input_bytes', 'estimated_tokens', 'cursor_bytes']);
const REAL = 'reserved_usd';

/** Ids, words and counts come from OpenAI or from a gateway: an odd value must not stop its shard from moving on. */
function storable(column: string, value: unknown): unknown {
  if (typeof value === 'string') return storableName(value);
  if (typeof value !== 'number' || column === REAL) return value;
  const most = BIGINTS.has(column) ? LARGEST_BIGINT : LARGEST_INTEGER;
  return Number.isNaN(value) ? 0 : Math.trunc(Math.max(0, Math.min(most, value)));
}
