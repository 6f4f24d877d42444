import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../common/clock.js';
import type { MissingPhoto } from '../../common/missing-photo.js';
import { sideBySide } from '../../common/side-by-side.js';
import { Database, type Transaction } from '../../database/database.service.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { PhotoChecker } from '../../images/photo-checker.js';
import { failuresOf } from '../../jobs/lot-moves.js';
import { LotStore, type ShardLots, type UncheckedLot } from '../../jobs/lot-store.js';
import { PhotoAveragesStore } from '../../jobs/photo-averages-store.js';
import { JobReader } from '../../jobs/job-reader.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import { ShardStore, type ShardClaim } from '../shards/shard-store.js';
import { isTerminal } from '../../jobs/states.js';
import { laterTry, timesLate } from '../shards/tries.js';
import { JobAdvance } from '../shards/job-advance.js';
import { JobEndedError } from '../shards/job-ended.js';
import {
  failedByUs,
  GIVEN_UP,
  unreachable,
  withTokens,
  type Checked,
  type Looked,
  type Pass,
  type Wait,
} from './checked-lot.js';
import { PhotoSample } from './photo-sample.js';
import { isWorthWaiting, leavesNow, passMs } from './photo-patience.js';
import { ShardEnd } from '../shards/shard-end.js';
import { EVERY_SECOND, ScheduledStage } from './scheduled-stage.js';
import { shardLots } from '../shards/shard-lots.js';
import { bisect, isUnforeseen, kindOf } from '../lines/unforeseen.js';

/** How many lots are committed together. */
const CHUNK_LOTS = 500;
/** How many lots are checked side by side. Their photos share the checker's own limits, overall and per host. */
const LOTS_AT_ONCE = 64;
/** The shortest wait before a range is checked again when its photo hosts are paused. */
const SOONEST_SECONDS = 1;
/** The longest such wait. */
const LATEST_SECONDS = 60;

/**
 * Checks whether the photos of a range are there, and commits after each 500 lots. A lot with too many missing photos
 * fails alone. Lots with photos on a host that says "not now" wait in a range of their own; its passes ask only for the
 * photos that are still open.
 */
@Injectable()
export class CheckPhotosStage extends ScheduledStage {
  readonly name = 'photos';
  readonly atOnce = 4;
  private readonly logger = new Logger(CheckPhotosStage.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly photos: PhotoChecker,
    private readonly lots: LotStore,
    private readonly jobReader: JobReader,
    private readonly shards: ShardStore,
    private readonly advance: JobAdvance,
    private readonly end: ShardEnd,
    private readonly settings: ModelSettings,
    private readonly averages: PhotoAveragesStore,
  ) {
    super();
  }

  @Cron(EVERY_SECOND, { name: 'batch-photos', waitForCompletion: true })
  tick(): Promise<void> {
    return this.claimDue();
  }

  claim(limit: number): Promise<ShardClaim[]> {
    return this.shards.claim(['checking_photos'], limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    const { row } = claim;
    const lots = shardLots(row);
    const now = this.clock.now();
    const late = timesLate(row.attempt);
    const waitedMs = late === 0 ? 0 : now - row.created_at.getTime();
    const photosOf = this.settings.photosOf(row.key_id);
    // Lots that are not there yet would be passed over, and belong to no shard for ever.
    if (row.photos_position === row.first_position && late === 0) await this.lots.assertAllThere(this.database, lots);
    const job = await this.jobReader.forShard(row.job_id);
    const sample = new PhotoSample(
      this.settings,
      job?.options.max_cost_usd !== undefined ? 'all' : late === 0 ? 'some' : 'none',
      this.settings.expectedPhotoTokens(await this.averages.recent(photosOf)),
    );
    const pass: Pass = {
      late,
      waitedMs,
      until: now + passMs(late),
      since: job?.createdAt.getTime() ?? now,
      sample,
      nextAt: Infinity,
    };
    for (let from = row.photos_position; ;) {
      // The slices before are committed, and their positions with them.
      if (await this.jobReader.isPaused(row.job_id)) return this.shards.putAside(this.database, claim);
      const unchecked = await this.lots.unchecked(this.database, lots, from, CHUNK_LOTS);
      const last = unchecked.at(-1);
      if (last === undefined) break;
      const checked = await this.checkAll(unchecked, pass, signal);
      signal.throwIfAborted();
      if (!(await this.commitEach(claim, checked, from, last.position + 1))) return;
      this.averages.count(photosOf, sample.news());
      from = last.position + 1;
    }
    await this.finish(claim, lots, pass);
  }

  /** Lots whose photos could not be checked fail; the others of the range go on. */
  async giveUp(claim: ShardClaim): Promise<void> {
    const lots = shardLots(claim.row);
    const left = await this.database.transaction((tx) => this.lots.lockLeft(tx, lots, 'pending'));
    if (await this.commitEach(claim, left.map(failedByUs), lots.first, lots.last + 1))
      await this.finish(claim, lots, GIVEN_UP);
  }

  private async checkAll(lots: readonly UncheckedLot[], pass: Pass, signal: AbortSignal): Promise<Checked[]> {
    const looked: Looked[] = [];
    await sideBySide(lots, LOTS_AT_ONCE, async (lot) => {
      looked.push(await this.checkAnyhow(lot, pass, signal));
    });
    return looked.map((lot) => withTokens(lot, pass.sample));
  }

  /** An unexpected error of the checker affects only the lot that it was checking. */
  private async checkAnyhow(lot: UncheckedLot, pass: Pass, signal: AbortSignal): Promise<Looked> {
    try {
      return await this.check(lot, pass, signal);
    } catch (error) {
      if (signal.aborted || !isUnforeseen(error)) throw error;
      const { position, open, missing } = lot;
      this.logger.error('the photos of a lot cannot be checked', { position, reason: kindOf(error) });
      if (pass.late > 0) return failedByUs(position);
      // It is checked once more, together with the lots that wait for a host.
      pass.nextAt = 0;
      return { kind: 'waits', lot: { position, open, missing }, news: true };
    }
  }

  private async check(lot: UncheckedLot, pass: Pass, signal: AbortSignal): Promise<Looked> {
    const { position, images } = lot;
    if (images.length === 0) {
      const error: LotEnd = { code: 'NO_IMAGES', message: 'The lot has no photos.' };
      return { kind: 'failed', lot: { position, error, missingImages: [] } };
    }
    const { look } = pass.sample;
    const found = await this.photos.checkLot(lot.open, {
      signal,
      lane: 'batch',
      until: pass.until,
      since: pass.since,
      look,
    });
    const known = pass.sample.count(found.sizes.values());
    const missing: MissingPhoto[] = [...lot.missing, ...found.missing];
    const open: MissingPhoto[] = [];
    for (const photo of found.open) {
      (isWorthWaiting(photo, pass.waitedMs) ? open : missing).push({ url: photo.url, reason: photo.reason });
    }
    // Too many photos are missing for good, so the photos that are still open cannot help.
    if (!this.photos.areEnough(images.length, missing.length)) return unreachable(lot, [...missing, ...open]);
    if (open.length === 0) {
      return { kind: 'ready', lot: { position, missing, reachable: images.length - missing.length }, known };
    }
    const urls = open.map(({ url }) => url);
    pass.nextAt = Math.min(pass.nextAt, this.photos.restingUntil(urls) ?? 0);
    const news = pass.late === 0 || urls.length < lot.open.length;
    return { kind: 'waits', lot: { position, open: urls, missing }, news };
  }

  /** Commits the lots; if that fails because of some of them, only those fail. @returns false when the job has ended */
  private async commitEach(
    claim: ShardClaim,
    checked: readonly Checked[],
    from: number,
    next: number,
  ): Promise<boolean> {
    try {
      return await this.commit(claim, checked, next);
    } catch (error) {
      if (!isUnforeseen(error)) throw error;
    }
    let goesOn = true;
    const culprits = await bisect(checked, async (part) => {
      goesOn = goesOn && (await this.commit(claim, part, from));
    });
    for (const { item, error } of culprits) {
      const { position } = item.lot;
      this.logger.error('a checked lot cannot be written', { position, reason: kindOf(error) });
      goesOn = goesOn && (await this.commit(claim, [failedByUs(position)], from));
    }
    return goesOn && (await this.commit(claim, [], next));
  }

  /** @returns false when the job has ended meanwhile */
  private async commit(claim: ShardClaim, checked: readonly Checked[], next: number): Promise<boolean> {
    const { job_id: jobId } = claim.row;
    // Nothing is written about lots without news: a range may be checked many times.
    const news = checked.filter((lot) => lot.kind !== 'waits' || lot.news);
    try {
      await this.advance.commit(jobId, async (tx) => {
        const open = await this.lots.lockPending(
          tx,
          jobId,
          news.map(({ lot }) => lot.position),
        );
        const ready = news.flatMap((lot) => (lot.kind === 'ready' && open.has(lot.lot.position) ? [lot.lot] : []));
        const failed = news.flatMap((lot) => (lot.kind === 'failed' && open.has(lot.lot.position) ? [lot.lot] : []));
        const waits = news.flatMap((lot) => (lot.kind === 'waits' && open.has(lot.lot.position) ? [lot.lot] : []));
        await this.lots.photosChecked(tx, jobId, ready);
        if (failed.length > 0) await this.lots.fail(tx, jobId, failed);
        await this.lots.photosWait(tx, jobId, waits);
        await this.shards.step(tx, claim, { photos_position: next });
        return {
          awaitingImages: -(ready.length + failed.length),
          awaitingVision: ready.length,
          failed: failuresOf(failed),
          images: ready.reduce((sum, lot) => sum + lot.reachable, 0),
        };
      });
      return true;
    } catch (error) {
      if (!(error instanceof JobEndedError)) throw error;
      await this.end.abandon(claim);
      return false;
    }
  }

  /**
   * Ends a pass. The range goes on without the waiting lots, which become a range of their own. A range of waiting lots
   * stays together until its next step; otherwise each lot that becomes ready would make an OpenAI batch of its own.
   */
  private async finish(claim: ShardClaim, lots: ShardLots, pass: Wait): Promise<void> {
    const { row } = claim;
    const job = await this.jobReader.forShard(row.job_id);
    if (job === undefined || isTerminal(job.status)) {
      await this.end.abandon(claim);
      return;
    }
    const delay = this.secondsUntil(pass.nextAt);
    await this.database.transaction(async (tx) => {
      const waiting = await this.lots.lockLeft(tx, lots, 'pending');
      // Put off before, by a transaction of which the shard's part was lost: no other shard has them.
      waiting.push(...(await this.lots.lockLeft(tx, { ...lots, attempt: laterTry(lots.attempt) }, 'pending')));
      if (waiting.length === 0) {
        await this.shards.letGo(tx, claim, { status: 'queued' });
        return;
      }
      const stays = pass.late > 0 && !leavesNow(pass.late, pass.waitedMs);
      if (stays || (pass.late > 0 && (await this.lots.lockLeft(tx, lots, 'processing')).length === 0)) {
        await this.shards.letGo(tx, claim, { photos_position: row.first_position, reason: 'photo_host_rests' }, delay);
        return;
      }
      this.logger.warn('lots wait for a photo host', { job_id: row.job_id, lots: waiting.length });
      await this.putOff(tx, claim, waiting, delay, pass);
    });
  }

  private async putOff(
    tx: Transaction,
    claim: ShardClaim,
    waiting: readonly number[],
    delaySeconds: number,
    pass: Wait,
  ): Promise<void> {
    const { row } = claim;
    const attempt = laterTry(row.attempt);
    const tries = waiting.map(() => attempt);
    await this.lots.setTries(tx, row.job_id, waiting, tries);
    await this.shards.letGo(tx, claim, { status: 'queued' });
    await this.shards.insert(tx, {
      jobId: row.job_id,
      stage: 'vision',
      first: row.first_position,
      last: row.last_position,
      attempt,
      keyId: row.key_id,
      model: row.model,
      status: 'checking_photos',
      delaySeconds,
      // The wait is counted from its beginning, even if the lots are put off several times.
      ...(pass.late === 0 ? {} : { since: row.created_at }),
    });
  }

  private secondsUntil(at: number): number {
    const seconds = (at - this.clock.now()) / 1000;
    return Math.min(LATEST_SECONDS, Math.max(SOONEST_SECONDS, Number.isFinite(seconds) ? seconds : 0));
  }
}
