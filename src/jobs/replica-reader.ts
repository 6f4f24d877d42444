import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Database, type Reads } from '../database/database.service.js';
import { ReadReplica } from '../database/replica/read-replica.js';
import { countReplicaRead } from '../database/replica/replica-metrics.js';
import { hasReplayed, walPosition } from '../database/replica/wal-position.js';
import type { JobRecord } from './job-columns.js';
import { SharedReads } from './shared-reads.js';
import { isTerminal } from './states.js';

/** A job's row as the primary has it, as far as it tells what its lots are. */
export type JobAtPrimary = Pick<JobRecord, 'id' | 'keyId' | 'status' | 'version' | 'updatedAt'>;

/** How long a list waits for the replica to catch up, and in which steps; a replica that is well is some milliseconds behind. */
const CATCH_UP_MS = 50;
const STEP_MS = 5;
/** How long lists are read at the primary after one has waited in vain. */
const REST_MS = 2000;

/**
 * Where jobs' lots and lists of jobs are read: at the replica where that shows the same as the primary, and else at the primary.
 * A job's own row is always read at the primary, and so is all of a job that has not ended.
 */
@Injectable()
export class ReplicaReader {
  private readonly positions = new SharedReads<string>();
  private listsRestUntil = 0;

  constructor(
    private readonly database: Database,
    private readonly replica: ReadReplica,
    private readonly clock: Clock,
  ) {}

  /**
   * Reads a job's lots and their results. Each statement finds out by itself where it runs, so that a long answer goes on at
   * the primary when the replica goes away, or recovery cancels a query there: the lots of an ended job do not change.
   */
  lotsOf(job: JobAtPrimary): Reads {
    if (!this.replica.isSet || !isTerminal(job.status)) return this.database;
    const isThere = (replica: Reads) => hasLastChange(replica, job);
    return {
      query: (text, values) => this.replica.read('results', isThere, (sql) => sql.query(text, values)),
      rows: (text, values) => this.replica.read('results', isThere, (sql) => sql.rows(text, values)),
    };
  }

  /** Reads many jobs: at the replica only if that shows every change that was committed before. */
  async list<T>(work: (sql: Reads) => Promise<T>): Promise<T> {
    if (!this.replica.isUp) {
      if (this.replica.isSet) countReplicaRead('list', 'resting');
      return work(this.database);
    }
    if (this.clock.now() < this.listsRestUntil) {
      countReplicaRead('list', 'behind');
      return work(this.database);
    }
    const position = await this.positions.get('', () => walPosition(this.database));
    return this.replica.read('list', (replica) => this.catchesUp(replica, position), work);
  }

  private async catchesUp(replica: Reads, position: string): Promise<boolean> {
    for (let waited = 0; ; waited += STEP_MS) {
      if (await hasReplayed(replica, position)) return true;
      if (waited >= CATCH_UP_MS) break;
      await this.clock.sleep(STEP_MS);
    }
    this.listsRestUntil = this.clock.now() + REST_MS;
    return false;
  }
}

/**
 * Whether a replica shows an ended job as the primary does. Whatever changes its lots changes its version in the same transaction
 * or, as a revision that is written, in a later one; and a replica replays transactions in the order in which they were committed.
 * The time beside it tells a replica that follows another primary, as after a failover. A job whose removal has begun has no key.
 */
async function hasLastChange(replica: Reads, { id, keyId, version, updatedAt }: JobAtPrimary): Promise<boolean> {
  const rows = await replica.query(
    `select 1 from batch_jobs where id = $1 and key_id = $2 and version = $3
       and updated_at between $4::timestamptz - interval '2 milliseconds' and $4::timestamptz + interval '2 milliseconds'`,
    [id, keyId, version, updatedAt],
  );
  return rows.length > 0;
}
