import { Inject, Injectable } from '@nestjs/common';
import { RateLimits } from '../../auth/rate-limits.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database, type OpenTransaction, type Sql } from '../../database/database.service.js';
import { RowCopy } from '../../database/row-copy.js';
import { JobStore } from '../../jobs/job-store.js';
import { RequestKeyStore, type NewRequestKey } from '../../jobs/request-key-store.js';

/** The share of the pool's connections that requests still being read may use. */
const POOL_SHARE = 1 / 4;

/**
 * Copies rows of a proven request into the database while the rest of it is still being read. When that is not possible
 * at the moment, or the rows would probably be rolled back, they wait on disk. No request waits for a connection.
 */
@Injectable()
export class StraightCopies {
  private readonly most: number;
  private readonly maxActiveJobs: number;
  private running = 0;

  constructor(
    @Inject(APP_CONFIG) config: AppConfig,
    private readonly database: Database,
    private readonly limits: RateLimits,
    private readonly keys: RequestKeyStore,
    private readonly jobs: JobStore,
  ) {
    this.most = Math.max(1, Math.floor(config.database.poolSize * POOL_SHARE));
    this.maxActiveJobs = config.limits.maxActiveJobs;
  }

  /**
   * @param target - table and columns, a constant of the code
   * @param keyOf - the key by which a repeat of the request would be recognised
   * @returns null when the rows must wait on disk
   */
  async open(target: string, keyOf: () => NewRequestKey): Promise<StraightCopy | null> {
    if (this.running >= this.most || !this.database.hasFreeConnection) return null;
    this.running += 1;
    let open: OpenTransaction | undefined;
    try {
      const key = keyOf();
      open = await this.database.begin();
      if (await this.mayBeNew(open.tx, key)) return new StraightCopy(open, target, () => (this.running -= 1));
    } catch {
      // An error here is met again and reported when the request is accepted; errors in its content are reported first.
    }
    await open?.rollback();
    this.running -= 1;
    return null;
  }

  /** Rows that are rolled back cost the table as much as others, so a request that is sure to be refused adds none. */
  private async mayBeNew(sql: Sql, key: NewRequestKey): Promise<boolean> {
    const { keyId } = key;
    if (!(await this.limits.allows('batch', keyId))) return false;
    if ((await this.jobs.countActive(sql, keyId, this.maxActiveJobs)) >= this.maxActiveJobs) return false;
    return (await this.keys.find(sql, key)) === null;
  }
}

/** The rows of one request that are being copied, in the transaction that will accept it. */
export class StraightCopy {
  private readonly copy: RowCopy;
  private failure: unknown;
  private hasAll = false;
  private discarded = false;

  constructor(
    private readonly open: OpenTransaction,
    target: string,
    private readonly leave: () => void,
  ) {
    this.copy = new RowCopy(open.tx.client, target);
  }

  /** Never throws: an error of the database is reported only after errors in the rest of the request. */
  async append(rows: Buffer): Promise<void> {
    if (this.failure !== undefined) return;
    await this.copy.write(rows).catch((error: unknown) => (this.failure = error));
  }

  /**
   * Call it after the last row; it may be called again.
   * @returns the transaction, in which all rows are
   * @throws pg's error
   */
  async end(): Promise<OpenTransaction> {
    if (this.failure !== undefined) throw this.failure;
    if (!this.hasAll) await this.copy.end();
    this.hasAll = true;
    return this.open;
  }

  /** Undoes what was not committed; may be called again. */
  async discard(): Promise<void> {
    if (this.discarded) return;
    this.discarded = true;
    if (!this.hasAll) await this.copy.abort();
    await this.open.rollback();
    this.leave();
  }
}
