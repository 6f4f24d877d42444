import { Inject, Injectable } from '@nestjs/common';
import { RateLimits } from '../../auth/rate-limits.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database, type OpenTransaction, type Sql } from '../../database/database.service.js';
import { RowCopy } from '../../database/row-copy.js';
import { JobStore } from '../../jobs/job-store.js';
import { RequestKeyStore, type NewRequestKey } from '../../jobs/request-key-store.js';

/** Of the pool, the most connections that are lent to requests which are still being read. */
const POOL_SHARE = 1 / 4;

/**
 * Lets rows of a proven request into the database while the rest of it is still read. Where that is not possible just now, or
 * would likely be in vain, they wait on disk: nobody waits for it.
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
   * @param keyOf - by what a repeat of the request would be known
   * @returns null: the rows are to wait on disk
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
      // Whatever is wrong is met again, and told, when the request is accepted; first comes what is wrong with its content.
    }
    await open?.rollback();
    this.running -= 1;
    return null;
  }

  /** Rows that are rolled back cost the table as much as others: what is known already to be refused brings none. */
  private async mayBeNew(sql: Sql, key: NewRequestKey): Promise<boolean> {
    const { keyId } = key;
    if (!(await this.limits.allows('batch', keyId))) return false;
    if ((await this.jobs.countActive(sql, keyId, this.maxActiveJobs)) >= this.maxActiveJobs) return false;
    return (await this.keys.find(sql, key)) === null;
  }
}

/** The rows of one request on their way, in the transaction that will accept it. */
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

  /** Never throws: what the database says against a row comes after what the rest of the request may hold. */
  async append(rows: Buffer): Promise<void> {
    if (this.failure !== undefined) return;
    await this.copy.write(rows).catch((error: unknown) => (this.failure = error));
  }

  /**
   * To be called after the last row; may be called again.
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
