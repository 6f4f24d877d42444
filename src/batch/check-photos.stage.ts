import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Database } from '../database/database.service.js';
import { PhotoChecker } from '../images/photo-checker.js';
import type { FailedLot } from '../jobs/job-store.js';
import { JobStore } from '../jobs/job-store.js';
import { ShardLotStore, type CheckedLot, type ShardLots, type UncheckedLot } from '../jobs/shard-lot-store.js';
import { ShardStore, type ShardClaim } from '../jobs/shard-store.js';
import { isTerminal } from '../jobs/states.js';
import { LATE_ATTEMPT } from './attempts.js';
import { JobAdvance } from './job-advance.js';
import { JobEndedError } from './job-ended.js';
import { ShardEnd } from './shard-end.js';
import type { Stage } from './stage.js';
import { shardLots } from './shard-lots.js';
import { bisect, INTERNAL_ERROR, isUnforeseen, kindOf } from './unforeseen.js';

/** Lots of one commit. */
const CHUNK_LOTS = 500;
/** Lots begun side by side; their photos share the checker's own limits, overall and per host. */
const LOTS_AT_ONCE = 64;
/** How long lots wait for a host that rests before they are judged by what it answers. */
const PATIENCE_MS = 20 * 60_000;

type Checked =
  { kind: 'ready'; lot: CheckedLot } | { kind: 'failed'; lot: FailedLot } | { kind: 'waits'; position: number };

/** Looks whether a range's photos are there, 500 lots a commit; a lot over the threshold fails alone. */
@Injectable()
export class CheckPhotosStage implements Stage {
  readonly name = 'photos';
  readonly atOnce = 4;
  private readonly logger = new Logger(CheckPhotosStage.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly photos: PhotoChecker,
    private readonly jobs: JobStore,
    private readonly lots: ShardLotStore,
    private readonly shards: ShardStore,
    private readonly advance: JobAdvance,
    private readonly end: ShardEnd,
  ) {}

  claim(limit: number): Promise<ShardClaim[]> {
    return this.shards.claim(['checking_photos'], limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    const lots = shardLots(claim.row);
    const patient = this.clock.now() < claim.row.created_at.getTime() + PATIENCE_MS;
    for (let from = claim.row.photos_position; ;) {
      const unchecked = await this.lots.unchecked(this.database, lots, from, CHUNK_LOTS);
      const last = unchecked.at(-1);
      if (last === undefined) break;
      const checked = await this.checkAll(unchecked, patient, signal);
      signal.throwIfAborted();
      if (!(await this.commitEach(claim, checked, from, last.position + 1))) return;
      from = last.position + 1;
    }
    await this.finish(claim, lots);
  }

  /** Lots whose photos could not be checked fail; the others of the range go on. */
  async giveUp(claim: ShardClaim): Promise<void> {
    const lots = shardLots(claim.row);
    const left = await this.database.transaction((tx) => this.lots.lockLeft(tx, lots, 'pending'));
    if (await this.commitEach(claim, left.map(failedByUs), lots.first, lots.last + 1)) await this.finish(claim, lots);
  }

  private async checkAll(lots: readonly UncheckedLot[], patient: boolean, signal: AbortSignal): Promise<Checked[]> {
    const checked: Checked[] = [];
    const waiting = [...lots].reverse();
    const worker = async () => {
      for (let lot = waiting.pop(); lot !== undefined; lot = waiting.pop()) {
        checked.push(await this.checkAnyhow(lot, patient, signal));
      }
    };
    await Promise.all(Array.from({ length: LOTS_AT_ONCE }, worker));
    return patient ? checked.map((lot) => this.withPatience(lot)) : checked;
  }

  /** Lots that failed before enough failures had put their host to rest wait for it like those that came after. */
  private withPatience(checked: Checked): Checked {
    if (checked.kind !== 'failed' || this.photos.restingUntil(checked.lot.missingImages) === null) return checked;
    return { kind: 'waits', position: checked.lot.position };
  }

  /** What the checker does not foresee is the trouble of the lot that it meets it with. */
  private async checkAnyhow(lot: UncheckedLot, patient: boolean, signal: AbortSignal): Promise<Checked> {
    try {
      return await this.check(lot, patient, signal);
    } catch (error) {
      if (signal.aborted || !isUnforeseen(error)) throw error;
      this.logger.error('the photos of a lot cannot be checked', { position: lot.position, reason: kindOf(error) });
      return patient ? { kind: 'waits', position: lot.position } : failedByUs(lot.position);
    }
  }

  private async check({ position, images }: UncheckedLot, patient: boolean, signal: AbortSignal): Promise<Checked> {
    if (images.length === 0) {
      const error = { code: 'NO_IMAGES', message: 'The lot has no photos.' };
      return { kind: 'failed', lot: { position, error, missingImages: [] } };
    }
    if (patient && this.photos.restingUntil(images) !== null) return { kind: 'waits', position };
    const { reachable, unreachable, withinThreshold, restingUntil } = await this.photos.checkLot(images, {
      signal,
      lane: 'batch',
      trustRests: !patient,
    });
    if (withinThreshold) return { kind: 'ready', lot: { position, missing: unreachable, reachable: reachable.length } };
    if (patient && restingUntil !== null) return { kind: 'waits', position };
    const error = {
      code: 'IMAGE_UNREACHABLE',
      message: `${unreachable.length} of ${images.length} photos cannot be reached; check that they are public and send the lot again.`,
    };
    return { kind: 'failed', lot: { position, error, missingImages: unreachable } };
  }

  /** Where the lots cannot be committed together, those that spoil it fail alone. @returns false when the job has ended */
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
      const position = item.kind === 'waits' ? item.position : item.lot.position;
      this.logger.error('a checked lot cannot be written', { position, reason: kindOf(error) });
      goesOn = goesOn && (await this.commit(claim, [failedByUs(position)], from));
    }
    return goesOn && (await this.commit(claim, [], next));
  }

  /** @returns false when the job has ended meanwhile */
  private async commit(claim: ShardClaim, checked: readonly Checked[], next: number): Promise<boolean> {
    const { job_id: jobId } = claim.row;
    try {
      await this.advance.commit(jobId, async (tx) => {
        const open = await this.lots.lockPending(
          tx,
          jobId,
          checked.flatMap((lot) => (lot.kind === 'waits' ? [] : [lot.lot.position])),
        );
        const ready = checked.flatMap((lot) => (lot.kind === 'ready' && open.has(lot.lot.position) ? [lot.lot] : []));
        const failed = checked.flatMap((lot) => (lot.kind === 'failed' && open.has(lot.lot.position) ? [lot.lot] : []));
        await this.lots.photosChecked(tx, jobId, ready);
        if (failed.length > 0) await this.jobs.failLots(tx, jobId, failed);
        await this.shards.step(tx, claim, { photos_position: next });
        return {
          awaitingImages: -(ready.length + failed.length),
          awaitingVision: ready.length,
          failed: failed.length,
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

  /** The range is through: it goes on without the lots that wait, which become a shard of their own. */
  private async finish(claim: ShardClaim, lots: ShardLots): Promise<void> {
    const { row } = claim;
    const job = await this.shards.job(this.database, row.job_id);
    if (job === undefined || isTerminal(job.status)) {
      await this.end.abandon(claim);
      return;
    }
    const delay = await this.restSeconds(lots);
    await this.database.transaction(async (tx) => {
      const waiting = await this.lots.lockLeft(tx, lots, 'pending');
      if (waiting.length === 0) {
        await this.shards.letGo(tx, claim, { status: 'queued' });
        return;
      }
      if (row.attempt === LATE_ATTEMPT) {
        await this.shards.letGo(tx, claim, { photos_position: row.first_position, reason: 'photo_host_rests' }, delay);
        return;
      }
      this.logger.warn('lots wait for a photo host that rests', { job_id: row.job_id, lots: waiting.length });
      await this.lots.setAttempts(
        tx,
        row.job_id,
        waiting,
        waiting.map(() => LATE_ATTEMPT),
      );
      await this.shards.letGo(tx, claim, { status: 'queued' });
      await this.shards.insert(tx, {
        jobId: row.job_id,
        stage: 'vision',
        first: row.first_position,
        last: row.last_position,
        attempt: LATE_ATTEMPT,
        keyId: row.key_id,
        model: row.model,
        status: 'checking_photos',
        delaySeconds: delay,
      });
    });
  }

  /** Until the hosts of the waiting lots may be asked again; another process may know of no rest at all. */
  private async restSeconds(lots: ShardLots): Promise<number> {
    const [lot] = await this.lots.unchecked(this.database, lots, lots.first, 1);
    const until = lot === undefined ? null : this.photos.restingUntil(lot.images);
    return until === null ? 1 : Math.max(1, (until - this.clock.now()) / 1000);
  }
}

function failedByUs(position: number): Checked {
  return { kind: 'failed', lot: { position, error: INTERNAL_ERROR, missingImages: [] } };
}
