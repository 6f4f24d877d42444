import { Inject, Injectable } from '@nestjs/common';
import { Clock, DAY_MS } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database, type Transaction } from '../../database/database.service.js';
import { deleteSome } from '../../database/delete-some.js';
import { FIRST_END, LOTS_OF_JOBS, RetentionStore, type EndPlace } from '../../jobs/retention-store.js';
import { DELIVERIES_OF_JOBS, deliveriesLeftSql } from '../../webhook/delivery-store.js';
import { JobShardStore, shardsLeftSql } from '../shards/job-shard-store.js';

/** Rows of one transaction: a large job must not hold locks, or bloat the log, for seconds. */
const STEP_ROWS = 2000;
/** Jobs of one transaction: so many synchronous ones are within STEP_ROWS, whatever languages they have. */
const STEP_JOBS = 100;
/** What a job may have any number of, lots and deliveries, in the order in which it goes. */
const PARTS = [...LOTS_OF_JOBS, ...DELIVERIES_OF_JOBS];

/**
 * For the rest of the transaction. A planner that takes a table for small, or has not been told yet that it has grown,
 * reads all of it, and would do so for every hundred jobs.
 */
const BY_INDEXES_ALONE = `select set_config(setting, 'off', true)
  from unnest('{enable_seqscan,enable_hashjoin,enable_mergejoin}'::text[]) setting`;

/** Removes jobs older than RETENTION_DAYS, never one that still has something to deliver. */
@Injectable()
export class Retention {
  /**
   * Up to here this round has removed what may go. Without it each step would begin with all that went before, which
   * the index holds until it is vacuumed, and with all that has to stay.
   */
  private passed = FIRST_END;

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: RetentionStore,
    private readonly shards: JobShardStore,
  ) {}

  /**
   * Takes the oldest jobs that may go a step further; those that another process has in hand are left to it.
   * @returns false when none is left: the next step begins a new round
   */
  async step(): Promise<boolean> {
    const before = new Date(this.clock.now() - this.config.jobs.retentionDays * DAY_MS);
    for (;;) {
      const { last, whole, removed } = await this.database.transaction((tx) => this.removeSome(tx, before));
      this.passed = last === undefined ? FIRST_END : whole ? last : this.passed;
      if (removed) return true;
      if (last === undefined) return false;
    }
  }

  /** One transaction: nobody sees a job half removed but hidden, and the locks keep other processes at other jobs. */
  private async removeSome(tx: Transaction, before: Date): Promise<Step> {
    const old = await this.jobs.lockEnded(tx, before, this.passed, STEP_JOBS);
    // Webhooks that were sent for again, and files that still stand at OpenAI, keep their job.
    const ids = await this.jobs.withNothingLeft(
      tx,
      old.map(({ id }) => id),
      [deliveriesLeftSql, shardsLeftSql],
    );
    const last = old.at(-1);
    if (ids.length === 0) return { last, whole: true, removed: false };
    await tx.query(BY_INDEXES_ALONE);
    let room = STEP_ROWS;
    for (const rows of PARTS) {
      room -= await deleteSome(tx, rows, ids, room);
      if (room > 0) continue;
      // Hidden from their clients from the first row on; what is left goes with the next step, of whichever process.
      await this.jobs.hide(tx, ids);
      return { last, whole: false, removed: true };
    }
    await this.shards.remove(tx, ids);
    await this.jobs.remove(tx, ids);
    return { last, whole: true, removed: true };
  }
}

interface Step {
  /** The last of the jobs that were looked at, undefined when there was none. */
  readonly last: EndPlace | undefined;
  /** False: some of them have rows left. */
  readonly whole: boolean;
  readonly removed: boolean;
}
