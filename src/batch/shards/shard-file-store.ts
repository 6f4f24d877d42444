import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.service.js';
import { Leases } from '../../database/leases.service.js';
import { hasEnded, hasFiles, sendsNothing } from './shard-states.js';
import { SHARDS, type ShardClaim, type ShardRow } from './shard-store.js';
import type { ModelStage } from '../../jobs/states.js';

/** The submission of a shard that the name of an uploaded request file states. */
export interface RequestFileName {
  readonly jobId: string;
  readonly stage: ModelStage;
  readonly first: number;
  readonly attempt: number;
  readonly submission: number;
}

/** Written as in the partial index. */
const SPENT = `${hasEnded()} and ${hasFiles()}`;

/**
 * Keeps track of the files of shards that are still at OpenAI: an ended shard keeps a file's id until the file is
 * deleted.
 */
@Injectable()
export class ShardFileStore {
  constructor(
    private readonly database: Database,
    private readonly leases: Leases,
  ) {}

  /**
   * Claims ended shards whose files are no longer needed.
   * @param upstream - only shards of this upstream: another one does not have these files
   * @param endedBefore - only shards that ended before this time
   */
  claimSpent(upstream: string, endedBefore: Date, limit: number): Promise<ShardClaim[]> {
    return this.leases.claimMany<ShardRow>({
      table: SHARDS,
      where: `${SPENT} and upstream = $1 and finished_at <= $2`,
      values: [upstream, endedBefore],
      orderBy: 'next_check_at',
      limit,
    });
  }

  /**
   * Forgets the files of shards that ended before this time: they have expired at every upstream.
   * @returns the shards' number
   */
  async forgetSpent(endedBefore: Date): Promise<number> {
    return this.database.execute(
      `update openai_batches set input_file_id = null, output_file_id = null, error_file_id = null
       where ${SPENT} and finished_at < $1`,
      [endedBefore],
    );
  }

  /**
   * Finds the request files from which no batch will ever be made: those of a submission that is over, and those that
   * are not the one whose id was committed. A file of an unknown job may belong to another deployment and is not among
   * them.
   * @returns the ids of these files
   */
  async orphansAmong(upstream: string, files: ReadonlyMap<string, RequestFileName>): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `select f.id from jsonb_to_recordset($2::jsonb)
         as f(id text, "jobId" uuid, stage text, first integer, attempt integer, submission integer)
       join openai_batches b on b.job_id = f."jobId" and b.stage = f.stage and b.first_position = f.first
         and b.attempt = f.attempt
       where b.upstream = $1 and b.input_file_id is distinct from f.id and b.submission >= f.submission
         -- Of the present submission it is spare only once another id stands, or none ever will.
         and (b.submission > f.submission or b.input_file_id is not null or ${sendsNothing('b.')})`,
      [upstream, JSON.stringify([...files].map(([id, name]) => ({ id, ...name })))],
    );
    return rows.map((row) => row.id);
  }
}
