import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.service.js';
import { Leases } from '../../database/leases.service.js';
import { hasEnded, hasFiles, sendsNothing } from './shard-states.js';
import { SHARDS, type ShardClaim, type ShardRow } from './shard-store.js';
import type { ModelStage } from '../../jobs/states.js';

/** An uploaded request file and the try to send a shard that its name tells of. */
export interface RequestFileName {
  readonly jobId: string;
  readonly stage: ModelStage;
  readonly first: number;
  readonly attempt: number;
  readonly submission: number;
}

/** Spelt as the partial index has it. */
const SPENT = `${hasEnded()} and ${hasFiles()}`;

/** Which files of shards still stand at OpenAI: an ended shard keeps a file's id until the file is deleted. */
@Injectable()
export class ShardFileStore {
  constructor(
    private readonly database: Database,
    private readonly leases: Leases,
  ) {}

  /**
   * Claims ended shards whose files nobody needs any more.
   * @param upstream - only this one's: another knows nothing of these files
   */
  claimSpent(upstream: string, limit: number): Promise<ShardClaim[]> {
    return this.leases.claimMany<ShardRow>({
      table: SHARDS,
      where: `${SPENT} and upstream = $1`,
      values: [upstream],
      orderBy: 'next_check_at',
      limit,
    });
  }

  /** Strikes the files of shards that ended before this: they have expired, whatever upstream held them. */
  async forgetSpent(endedBefore: Date): Promise<number> {
    return this.database.execute(
      `update openai_batches set input_file_id = null, output_file_id = null, error_file_id = null
       where ${SPENT} and finished_at < $1`,
      [endedBefore],
    );
  }

  /**
   * Which of these request files no batch will ever be made of: uploaded for a submission that is over, or beside the one
   * whose id was committed. A file of an unknown job may be another deployment's and is none of them.
   * @returns ids
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
