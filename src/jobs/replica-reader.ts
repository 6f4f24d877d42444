import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Database, type Reads, type Sql } from '../database/database.service.js';
import { ReadReplica } from '../database/replica/read-replica.js';
import { countReplicaRead } from '../database/replica/replica-metrics.js';
import { hasReplayed, walPosition, type WalPosition } from '../database/replica/wal-position.js';
import type { JobRecord } from './job-columns.js';
import { PartitionStore } from './partition-store.js';
import { SharedReads } from './shared-reads.js';
import { isTerminal } from './states.js';

/** A job's row as the primary has it, as far as it tells what its lots are. */
export type JobAtPrimary = Pick<JobRecord, 'id' | 'keyId' | 'status' | 'version' | 'updatedAt'>;

/** Where a job's lots are read. */
type LotRows = Pick<Sql, 'rows'>;

/** How long a list waits for the replica to catch up, and in which steps; a replica that is well is some milliseconds behind. */
const CATCH_UP_MS = 50;
const STEP_MS = 5;
/** How long lists are read at the primary after one has waited in vain. */
const REST_MS = 500;

/**
 * Where jobs' lots and lists of jobs are read: at the replica where that shows the same as the primary, and else at the primary.
 * A job's own row is always read at the primary, and so is all of a job that has not ended.
 */
@Injectable()
export class ReplicaReader implements OnModuleInit {
  private readonly positions = new SharedReads<WalPosition>();
  private listsRestUntil = 0;

  constructor(
    private readonly database: Database,
    private readonly replica: ReadReplica,
    private readonly clock: Clock,
    private readonly tables: PartitionStore,
  ) {}

  /** @throws when the lots are on many servers: a replica of one then says nothing about what those of the others show */
  async onModuleInit(): Promise<void> {
    if (!this.replica.isSet) return;
    const distributed = await this.tables.distributed();
    if (distributed.length === 0) return;
    throw new Error(
      `DATABASE_READ_URL is set, but Citus distributes ${distributed.join(', ')} here: both together are not supported. ` +
        `Leave DATABASE_READ_URL empty.`,
    );
  }

  /**
   * Reads a job's lots and their results. Each statement finds out by itself where it runs, so that a long answer goes on at
   * the primary when the replica goes away, or recovery cancels a query there: the lots of an ended job do not change.
   */
  lotsOf(job: JobAtPrimary): LotRows {
    if (!this.replica.isSet || !isTerminal(job.status)) return this.database;
    return {
      rows: <T extends unknown[]>(text: string, values: readonly unknown[] = []) =>
        this.replica.read(
          'results',
          (replica) => rowsIfThere<T>(replica, job, text, values),
          (primary) => primary.rows<T>(text, values),
        ),
    };
  }

  /** Reads many jobs: at the replica only if that shows every change that was committed before. */
  async list<T extends object>(work: (sql: Reads) => Promise<T>): Promise<T> {
    if (!this.replica.isUp) {
      if (this.replica.isSet) countReplicaRead('list', 'resting');
      return work(this.database);
    }
    if (this.clock.now() < this.listsRestUntil) {
      countReplicaRead('list', 'behind');
      return work(this.database);
    }
    const position = await this.positions.get('', () => walPosition(this.database));
    return this.replica.readInTransaction(
      'list',
      async (replica) => ((await this.catchesUp(replica, position)) ? work(replica) : undefined),
      work,
    );
  }

  private async catchesUp(replica: Reads, position: WalPosition): Promise<boolean> {
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
 * The rows of a statement about an ended job's lots, where the replica shows them as the primary does; else undefined. Whatever
 * changes such lots changes the job's version in the same transaction or, as a revision that is written, in a later one; and a
 * replica replays transactions in the order in which they were committed. The time beside the version tells a replica of
 * another primary, as after a failover. A job whose removal has begun has lost its key.
 *
 * The job is looked at in the same statement: with one before it, reads took twice the time of the processor (measured), and a
 * pooler in front of several replicas could send the two to different ones. Without the job there is no row; a job without such
 * lots has one row of nulls, which the last column tells.
 */
async function rowsIfThere<T extends unknown[]>(
  replica: LotRows,
  { id, keyId, version, updatedAt }: JobAtPrimary,
  text: string,
  values: readonly unknown[],
): Promise<T[] | undefined> {
  const [ofId, ofKey, ofVersion, ofTime] = [1, 2, 3, 4].map((more) => `$${values.length + more}`);
  const rows = await replica.rows<[...T, boolean | null]>(
    `select found.* from (
       select 1 from batch_jobs where id = ${ofId} and key_id = ${ofKey} and version = ${ofVersion}
         and updated_at between ${ofTime}::timestamptz - interval '2 milliseconds' and ${ofTime}::timestamptz + interval '2 milliseconds'
     ) job left join (select lots.*, true from (${text}) lots) found on true`,
    [...values, id, keyId, version, updatedAt],
  );
  if (rows.length === 0) return undefined;
  const found = rows.filter((row) => row.pop() === true);
  return found as unknown[] as T[];
}
