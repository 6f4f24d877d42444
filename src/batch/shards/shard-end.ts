import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Database, type Transaction } from '../../database/database.service.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { LotStore, type ShardLots } from '../../jobs/lot-store.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { JobReader } from '../../jobs/job-reader.js';
import { ShardStore, type ShardClaim } from './shard-store.js';
import { isTerminal } from '../../jobs/states.js';
import { directTry, FEW_LOTS, isDirect, nextTry, translationTry } from './tries.js';
import { CostGuard, WAITING_FOR_COSTS } from '../limits/cost-guard.js';
import { Deadlines } from '../limits/deadlines.js';
import { shardLots } from './shard-lots.js';

/** Ends a shard. In the same transaction, lots that it left over and lots that it described go on in new shards. */
@Injectable()
export class ShardEnd {
  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly settings: ModelSettings,
    private readonly lots: LotStore,
    private readonly jobReader: JobReader,
    private readonly shards: ShardStore,
    private readonly deadlines: Deadlines,
    private readonly costs: CostGuard,
  ) {}

  /**
   * Ends a shard whose answers are all in. Lots without an answer are tried again, described ones are translated. Money
   * that the shard still holds is given back, so a caller that does not know its cost must first set what it holds to
   * zero.
   * @param over - true when no batch may follow: whatever is left goes to the Responses API
   */
  async finish(claim: ShardClaim, job: ShardJob, over = this.deadlines.batchesAreOver(job)): Promise<void> {
    const lots = shardLots(claim.row);
    const worst = isSilentLoss(claim, job) ? await this.costs.worst(lots, job) : undefined;
    await this.database.transaction(async (tx) => {
      if (worst !== undefined) {
        const lost = await this.lots.lockLeft(tx, lots);
        await this.costs.keep(
          tx,
          claim,
          lost.reduce((usd, position) => usd + worst(position), 0),
        );
      }
      if (!isDirect(lots.attempt)) await this.retry(tx, claim, lots, over);
      if (lots.stage === 'vision') {
        // Texts that only wait for words need no batch.
        const direct = over || this.settings.forJob(job.options).toTranslate(job.languages).length === 0;
        await this.translate(tx, claim, lots, direct);
      }
      await this.shards.letGo(tx, claim, { status: 'done', reason: null, finished_at: this.clock.date() });
      await this.costs.giveBack(tx, claim);
    });
    if (job.options.max_cost_usd !== undefined) await this.shards.wakeWaiting([WAITING_FOR_COSTS]);
  }

  /** No stage can get any further with the shard. Its lots are asked for one by one, so that each can fail alone. */
  async giveUp(claim: ShardClaim): Promise<void> {
    const job = await this.jobReader.forShard(claim.row.job_id);
    if (job === undefined || isTerminal(job.status)) return this.abandon(claim);
    await this.finish(claim, job, true);
  }

  /** The job has ended, perhaps with this very shard, so nothing more will be written for it. */
  async abandon(claim: ShardClaim): Promise<void> {
    const job = await this.jobReader.forShard(claim.row.job_id);
    const status = job?.status === 'completed' || job?.status === 'failed' ? 'done' : 'cancelled';
    await this.shards.letGo(this.database, claim, { status, finished_at: this.clock.date() });
  }

  private async retry(tx: Transaction, claim: ShardClaim, lots: ShardLots, over: boolean): Promise<void> {
    const direct = directTry(lots.attempt);
    const next = nextTry(lots.attempt);
    const missing = await this.lots.lockLeft(tx, lots);
    const again = next === direct ? [] : await this.lots.lockLeft(tx, { ...lots, attempt: next });
    const retried = [...again, ...missing];
    const few = over || next === direct || retried.length < FEW_LOTS;
    const attempt = few ? direct : next;
    const moved = attempt === next ? missing : retried;
    await this.lots.setTries(
      tx,
      lots.jobId,
      moved,
      moved.map(() => attempt),
    );
    if (!few) await this.insert(tx, claim, lots, next);
    if ((few && retried.length > 0) || (await this.lots.lockLeft(tx, { ...lots, attempt: direct })).length > 0) {
      await this.insert(tx, claim, lots, direct);
    }
  }

  private async translate(tx: Transaction, claim: ShardClaim, lots: ShardLots, over: boolean): Promise<void> {
    const attempt = translationTry(lots.attempt);
    const translation: ShardLots = { ...lots, stage: 'translation', attempt };
    const described = await this.lots.lockLeft(tx, translation);
    const direct = { ...translation, attempt: directTry(attempt) };
    if (described.length === 0) {
      // Given to this try before, by a transaction of which the shard's part was lost: no other shard has them.
      if ((await this.lots.lockLeft(tx, direct)).length > 0) await this.insert(tx, claim, direct, direct.attempt);
      return;
    }
    // Lots that were asked for directly are late already; a batch of a few lots would only delay them more.
    const few = over || (isDirect(lots.attempt) && described.length < FEW_LOTS);
    if (few) {
      await this.lots.setTries(
        tx,
        lots.jobId,
        described,
        described.map(() => direct.attempt),
      );
      await this.insert(tx, claim, direct, direct.attempt);
      return;
    }
    await this.insert(tx, claim, translation, attempt);
  }

  private async insert(tx: Transaction, claim: ShardClaim, lots: ShardLots, attempt: number): Promise<void> {
    await this.shards.insert(tx, {
      jobId: lots.jobId,
      stage: lots.stage,
      first: lots.first,
      last: lots.last,
      attempt,
      keyId: claim.row.key_id,
      model: this.settings.modelOf(lots.stage),
      status: isDirect(attempt) ? 'direct' : 'queued',
    });
  }
}

/**
 * True when lines of a completed batch are missing: all its lines have run, but no file says what the missing ones
 * cost.
 */
function isSilentLoss({ row }: ShardClaim, job: ShardJob): boolean {
  return job.options.max_cost_usd !== undefined && !isDirect(row.attempt) && row.upstream_status === 'completed';
}
