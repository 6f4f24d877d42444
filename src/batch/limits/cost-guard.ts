import { Injectable } from '@nestjs/common';
import { notesIn, type DescriptionText } from '../../assessment/description.js';
import { estimateLot } from '../../assessment/estimate.js';
import { textSize } from '../../assessment/translation.js';
import {
  heldWithin,
  translationBounds,
  visionBounds,
  worstUsd,
  type CallBounds,
  type HeldCall,
} from '../../assessment/worst-case.js';
import { Database, type Transaction } from '../../database/database.service.js';
import { ModelSettings } from '../../describe/model-settings.js';
import type { ShardLots } from '../../jobs/lot-store.js';
import { ShardMoneyStore } from '../shards/shard-money-store.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { ShardStore, type ShardClaim } from '../shards/shard-store.js';
import { SpendingStore } from '../../jobs/spending-store.js';
import { JobEndedError } from '../shards/job-ended.js';
import { shardLots } from '../shards/shard-lots.js';

/** The shard's `reason` while the job's limit has no room for it until other costs of the job are known. */
export const WAITING_FOR_COSTS = 'waiting_for_costs';

const PAGE_LOTS = 1000;

/** One lot of a shard and the most that sending it may cost. */
interface PricedLot {
  readonly position: number;
  readonly bounds: CallBounds;
  /** The expected cost of its later translation, in USD; 0 for a lot that is being translated. */
  readonly laterUsd: number;
}

/** How much of a shard the job's limit allows now. */
export type Room =
  /** The job has no limit. */
  | { readonly kind: 'unlimited' }
  | { readonly kind: 'held'; readonly held: HeldLots }
  /** Other costs of the job will be known soon. */
  | { readonly kind: 'wait' }
  /** Not even the next lot fits, and nothing under way can change that. */
  | { readonly kind: 'over' };

/** The lots whose worst cost is held. */
export interface HeldLots {
  /** The first position that no longer fits; null when all do. */
  readonly splitAt: number | null;
  /** `max_output_tokens` of the single lot for which it had to be lowered; null: the usual value. */
  readonly room: number | null;
  readonly usdByPosition: ReadonlyMap<number, number>;
}

/**
 * Keeps a job within `max_cost_usd`. A batch is sent with as many lots as fit if each of them, and everything under
 * way, costs the most that it can. When the real cost is lower, the difference makes room for the next lots.
 */
@Injectable()
export class CostGuard {
  constructor(
    private readonly database: Database,
    private readonly settings: ModelSettings,
    private readonly shards: ShardStore,
    private readonly spending: SpendingStore,
    private readonly money: ShardMoneyStore,
  ) {}

  /**
   * Holds the worst cost of as many lots of a queued shard, counted from the first, as the job's limit has room for.
   */
  async hold(claim: ShardClaim, job: ShardJob): Promise<Room> {
    const limit = job.options.max_cost_usd;
    if (limit === undefined) return { kind: 'unlimited' };
    const lots = await this.price(shardLots(claim.row), job, limit - job.costUsd);
    if (lots === null) return { kind: 'over' };
    return this.database.transaction(async (tx) => {
      await this.shards.fence(tx, claim);
      const spending = await this.spending.lock(tx, job.id);
      if (spending === undefined) return { kind: 'wait' };
      const underWay = await this.money.underWay(tx, claim);
      // Nothing of a queued shard is under way: an amount in its row is left over from a submission that was not sent.
      const before = await this.money.held(tx, claim);
      let free = limit - spending.costUsd - (spending.reservedUsd - before);
      if (claim.row.stage === 'vision') {
        const untranslated = Math.max(0, spending.awaitingTranslation - underWay.translation) + underWay.vision;
        // Otherwise the descriptions of late lots would use up what the translations of early ones need.
        free -= untranslated * (lots[0]?.laterUsd ?? 0);
      }
      let held = fitting(lots, free);
      const mayChange = underWay.holds || (claim.row.stage === 'vision' && spending.awaitingTranslation > 0);
      if (held.usdByPosition.size === 0) {
        if (mayChange) return { kind: 'wait' };
        // Answers of the same job are a better guide to what the next one needs than any estimate.
        const needed = await this.spending.meanOutput(tx, job.id, claim.row.stage);
        const lowered = lowest(lots, free, needed);
        if (lowered === null) return { kind: 'over' };
        held = lowered;
      }
      await this.move(tx, claim, heldBefore(held, null) - before);
      return { kind: 'held', held };
    });
  }

  /**
   * Holds the worst cost of one direct call of a claimed shard.
   * @param laterUsd - the expected cost of the lot's translation, in USD
   * @returns `wait` while something under way may still make room, null when nothing will
   */
  async holdCall(
    claim: ShardClaim,
    job: ShardJob,
    bounds: CallBounds,
    mayLower: boolean,
    laterUsd: number,
  ): Promise<HeldCall | 'wait' | null> {
    const limit = job.options.max_cost_usd ?? Infinity;
    return this.database.transaction(async (tx) => {
      await this.shards.fence(tx, claim);
      const spending = await this.spending.lock(tx, job.id);
      if (spending === undefined) throw new JobEndedError('the job has ended');
      const underWay = await this.money.underWay(tx, claim);
      const own = await this.money.held(tx, claim);
      const free = limit - spending.costUsd - spending.reservedUsd;
      const waits = underWay.holds || own > 0;
      const needed = mayLower && !waits ? await this.spending.meanOutput(tx, job.id, claim.row.stage) : 0;
      const held =
        heldWithin(bounds, free - laterUsd, false) ?? heldWithin(atLeast(bounds, needed), free, mayLower && !waits);
      if (held === null) return waits ? 'wait' : null;
      await this.move(tx, claim, held.usd);
      return held;
    });
  }

  async giveBackCall(claim: ShardClaim, usd: number): Promise<void> {
    await this.database.transaction((tx) => this.move(tx, claim, -usd));
  }

  async keepCall(claim: ShardClaim, usd: number): Promise<void> {
    await this.money.keep(this.database, claim, usd);
  }

  /**
   * Gives back what a shard holds, once its cost is known or it is certain that it was not sent. Call it in the
   * transaction that writes this down.
   */
  async giveBack(tx: Transaction, claim: ShardClaim): Promise<void> {
    const held = await this.money.held(tx, claim);
    if (held > 0) await this.move(tx, claim, -held);
  }

  /** Gives back what was held for lots that did not fit into the file. */
  async trim(tx: Transaction, claim: ShardClaim, held: HeldLots, splitAt: number | null): Promise<void> {
    const usd = heldBefore(held, splitAt) - (await this.money.held(tx, claim));
    await this.move(tx, claim, usd);
  }

  /**
   * Keeps an amount held by the job for good, because its real cost will never be known; the shard can no longer give
   * it back.
   */
  async keep(tx: Transaction, claim: ShardClaim, usd: number): Promise<void> {
    await this.money.keep(tx, claim, usd);
  }

  /** Changes what a claimed shard holds by `usd`, in its own row and in the job's. */
  private async move(tx: Transaction, claim: ShardClaim, usd: number): Promise<void> {
    await this.money.hold(tx, claim, usd);
    await this.spending.hold(tx, claim.row.job_id, usd);
  }

  /** The most in USD that a lot at one of these positions may have cost, for answers that do not say what they cost. */
  async worst(lots: ShardLots, job: ShardJob): Promise<(position: number | null) => number> {
    const priced = (await this.price(lots, job, Infinity)) ?? [];
    const byPosition = new Map(priced.map(({ position, bounds }) => [position, worstUsd(bounds)]));
    const most = Math.max(0, ...byPosition.values());
    return (position) => (position === null ? most : (byPosition.get(position) ?? most));
  }

  /** The expected cost of the translation of a described lot's notes, in USD. */
  expectedTranslation(photos: number, infoLength: number, job: ShardJob, batch: boolean): number {
    const models = this.settings.forJob(job.options);
    const others = models.toTranslate(job.languages).length;
    if (others === 0) return 0;
    const settings = models.estimate(batch);
    const both = estimateLot(photos, infoLength, others, settings).costUsd ?? 0;
    return both - (estimateLot(photos, infoLength, 0, settings).costUsd ?? 0);
  }

  /** @returns lots until their sum passes `until`, null when a price is not known */
  private async price(lots: ShardLots, job: ShardJob, until: number): Promise<PricedLot[] | null> {
    const priced: PricedLot[] = [];
    let sum = 0;
    for (let first = lots.first; ;) {
      const page = await this.pricePage({ ...lots, first }, job);
      for (const lot of page) {
        if (lot === null) return null;
        priced.push(lot);
        sum += worstUsd(lot.bounds);
      }
      const last = page.at(-1);
      if (last === undefined || last === null || page.length < PAGE_LOTS || sum > until) return priced;
      first = last.position + 1;
    }
  }

  private async pricePage(lots: ShardLots, job: ShardJob): Promise<(PricedLot | null)[]> {
    const models = this.settings.forJob(job.options);
    if (lots.stage === 'vision') {
      const rows = await this.spending.visionLots(lots, PAGE_LOTS);
      return rows.map(([position, photos, info, tokens]) => {
        const perPhoto = tokens === null || photos === 0 ? undefined : tokens / photos;
        const bounds = visionBounds(photos, info, models.worstCase(true, perPhoto));
        return bounds && { position, bounds, laterUsd: this.expectedTranslation(photos, info, job, true) };
      });
    }
    const settings = models.worstCase(true);
    const languages = models.toTranslate(job.languages).length;
    const rows = await this.spending.translationLots(lots, PAGE_LOTS);
    return rows.map(([position, strings]) => {
      const notes = notesIn(JSON.parse(strings) as DescriptionText);
      const size = textSize(notes.map(({ note }) => note));
      const bounds = translationBounds(size, languages, settings);
      return bounds && { position, bounds, laterUsd: 0 };
    });
  }
}

/** As many lots as fit, each counted at its worst cost. */
function fitting(lots: readonly PricedLot[], free: number): HeldLots {
  const usdByPosition = new Map<number, number>();
  let left = free;
  for (const { position, bounds, laterUsd } of lots) {
    const usd = worstUsd(bounds);
    left -= usd + laterUsd;
    if (left < 0) return { splitAt: position, room: null, usdByPosition };
    usdByPosition.set(position, usd);
  }
  return { splitAt: null, room: null, usdByPosition };
}

/** The first lot alone, with less room for its answer if it does not fit otherwise. */
function lowest([first, second]: readonly PricedLot[], free: number, needed: number): HeldLots | null {
  // Its translation gets what is left after that: English alone is better than nothing.
  const held = first === undefined ? null : heldWithin(atLeast(first.bounds, needed), free, true);
  if (first === undefined || held === null) return null;
  return {
    splitAt: second?.position ?? null,
    room: held.room,
    usdByPosition: new Map([[first.position, held.usd]]),
  };
}

/** Room for an answer, as a multiple of the mean: with the mean alone, half of the answers would be cut off. */
const ABOVE_MEAN = 1.5;

function atLeast(bounds: CallBounds, meanOutput: number): CallBounds {
  return { ...bounds, leastRoom: Math.max(bounds.leastRoom, Math.ceil(ABOVE_MEAN * meanOutput)) };
}

function heldBefore(held: HeldLots, splitAt: number | null): number {
  let usd = 0;
  for (const [position, worst] of held.usdByPosition) if (splitAt === null || position < splitAt) usd += worst;
  return usd;
}
