import { Inject, Injectable } from '@nestjs/common';
import { Clock, DAY_MS } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database, type Transaction } from '../../database/database.service.js';
import { deleteSome } from '../../database/delete-some.js';
import { FIRST_END, LOTS_OF_JOBS, RetentionStore, type EndPlace } from '../../jobs/retention-store.js';
import { idsOf, isDroppedSoon, type IdSpan } from '../../jobs/weeks.js';
import { DELIVERIES_OF_JOBS, deliveriesLeftSql } from '../../webhook/delivery-store.js';
import { JobShardStore, shardsLeftSql } from '../shards/job-shard-store.js';

/** Rows per transaction: a large job must not hold locks, or bloat the log, for seconds. */
const STEP_ROWS = 2000;
/** Jobs per transaction: this many synchronous jobs stay within STEP_ROWS, with any number of languages. */
const STEP_JOBS = 100;
/** The rows that a job may have any number of (lots and deliveries), in the order in which they are removed. */
const PARTS = [...LOTS_OF_JOBS, ...DELIVERIES_OF_JOBS];

/** What keeps a job that is old enough: webhooks of it that are to be sent, or files of it that are still at OpenAI. */
export const NOTHING_LEFT = [deliveriesLeftSql, shardsLeftSql];

/**
 * Makes the rest of the transaction use indexes. If the planner believes that a table is small, or has no recent
 * statistics, it reads the whole table, and would do so for every hundred jobs.
 */
const BY_INDEXES_ALONE = `select set_config(setting, 'off', true)
  from unnest('{enable_seqscan,enable_hashjoin,enable_mergejoin}'::text[]) setting`;

/** Removes jobs older than RETENTION_DAYS, never one that still has something to deliver. */
@Injectable()
export class Retention {
  /**
   * How far this round has come. Without it each step would start over with all removed jobs, which stay in the index
   * until it is vacuumed, and with all jobs that have to stay.
   */
  private passed = FIRST_END;
  /** The weeks whose jobs this round leaves alone. */
  private left: readonly IdSpan[] = [];

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: RetentionStore,
    private readonly shards: JobShardStore,
  ) {}

  /**
   * Removes a part of the oldest jobs that may be removed. Jobs that another process is working on are skipped.
   * @returns false when none is left: the next step begins a new round
   */
  async step(): Promise<boolean> {
    const before = new Date(this.clock.now() - this.config.jobs.retentionDays * DAY_MS);
    const left = this.passed === FIRST_END ? (this.left = await this.weeksLeft()) : this.left;
    for (;;) {
      const { last, whole, removed } = await this.database.transaction((tx) => this.removeSome(tx, before, left));
      this.passed = last === undefined ? FIRST_END : whole ? last : this.passed;
      if (removed) return true;
      if (last === undefined) return false;
    }
  }

  /** The weeks that are dropped as a whole within days. */
  private async weeksLeft(): Promise<IdSpan[]> {
    const keptMs = this.config.jobs.retentionDays * DAY_MS;
    const weeks = await this.jobs.weeks(this.database);
    return weeks.filter((span) => isDroppedSoon(span, this.clock.now(), keptMs)).map(idsOf);
  }

  /**
   * Runs in one transaction, so that a half-removed job is always hidden, and so that other processes take other jobs.
   */
  private async removeSome(tx: Transaction, before: Date, left: readonly IdSpan[]): Promise<Step> {
    const old = await this.jobs.lockEnded(tx, before, this.passed, STEP_JOBS, left);
    const ids = await this.jobs.withNothingLeft(
      tx,
      old.map(({ id }) => id),
      NOTHING_LEFT,
    );
    const last = old.at(-1);
    if (ids.length === 0) return { last, whole: true, removed: false };
    await tx.query(BY_INDEXES_ALONE);
    let room = STEP_ROWS;
    for (const rows of PARTS) {
      room -= await deleteSome(tx, rows, ids, room);
      if (room > 0) continue;
      // They are hidden from their clients from the first row on. The next step, of any process, removes the rest.
      await this.jobs.hide(tx, ids);
      return { last, whole: false, removed: true };
    }
    await this.shards.remove(tx, ids);
    await this.jobs.remove(tx, ids);
    return { last, whole: true, removed: true };
  }
}

interface Step {
  /** The last of the jobs that this step looked at; undefined when there was none. */
  readonly last: EndPlace | undefined;
  /** False when some of them still have rows. */
  readonly whole: boolean;
  readonly removed: boolean;
}
