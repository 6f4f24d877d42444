import { isObject } from '../../common/json-tokens.js';
import { ServiceError } from '../../common/service-error.js';
import type { AppConfig } from '../../config/app-config.js';
import type { AllowList } from '../../outbound/address-rules.js';
import { AddressVerdicts } from './address-verdicts.js';
import { characters, FieldProblems } from './field-problems.js';
import { checkHead, checkLanguageTags, type RequestHead } from './head-rules.js';
import { checkLot, type LotReport, type RequestedLot } from './lot-rules.js';
import { Named } from './named.js';
import { RefusedAddresses } from './refused-addresses.js';
import { UnknownMembers } from './unknown-members.js';

/** How many different addresses a job may have. Each gets its own parts and its own retries. */
const MAX_WEBHOOKS = 100;

/** A request that may be accepted. */
export interface CheckedRequest extends RequestHead {
  readonly processing: 'sync' | 'batch';
  readonly totalLots: number;
  readonly totalImages: number;
  /** Characters of additional_info over all lots, for the estimate. */
  readonly totalInfoCharacters: number;
  readonly webhooks: ReadonlySet<string>;
  /** Whether some lot has a webhook of its own. */
  readonly lotWebhooks: boolean;
  /** The only lot of a synchronous request. */
  readonly onlyLot: RequestedLot | null;
  /** Warnings for the answer, which are no reason to refuse the request. */
  readonly warnings: readonly string[];
}

/** What the rules about the whole request need to know about a lot. */
export interface JudgedLot {
  readonly lotId: string;
  readonly webhook: string | null;
  /** The number of photos; one that the lot names twice counts once. */
  readonly imageCount: number;
  /**
   * The number as sent, repeated photos included, because the limits apply to what was sent; absent without repeats.
   */
  readonly addressCount?: number;
  /** Of additional_info. */
  readonly infoCharacters: number;
}

type Limits = AppConfig['limits'];

/**
 * Collects the rule violations of a streamed request's lots, and checks the whole request after its signature is found
 * correct.
 */
export class RequestContent implements LotReport {
  readonly problems = new FieldProblems();
  readonly unknown = new UnknownMembers();
  private readonly invalidImages: RefusedAddresses;
  private readonly invalidWebhooks: RefusedAddresses;
  private readonly seen = new Set<string>();
  private readonly duplicates = new Named();
  private readonly webhooks = new Set<string>();
  private readonly overSync = new Named();
  private readonly overBatch = new Named();
  private first: RequestedLot | null = null;
  private total = 0;
  private images = 0;
  private infoCharacters = 0;
  private lotsWithoutImages = 0;
  /** Whether some lot has a member `images`, of any type. Nothing that we sign for receivers has one. */
  namesPhotos = false;
  /** What is known about the addresses in this request. */
  readonly urls: AddressVerdicts;

  constructor(
    private readonly limits: Limits,
    allow: AllowList,
  ) {
    this.invalidImages = new RefusedAddresses(allow);
    this.invalidWebhooks = new RefusedAddresses(allow);
    this.urls = new AddressVerdicts(allow);
  }

  /** Lots so far, those beyond MAX_LOTS included. */
  get lotCount(): number {
    return this.total;
  }

  /** Checks one lot; null when it is not worth keeping because the request will be refused. */
  addLot(value: unknown, source: () => string): RequestedLot | null {
    const position = this.total;
    this.total += 1;
    this.namesPhotos ||= isObject(value) && Object.hasOwn(value, 'images');
    if (position >= this.limits.maxLots) return null;
    const lot = checkLot(value, source, position, this.urls, this);
    if (lot === null) return null;
    if (position === 0) this.first = lot;
    const { lotId, webhook, images, additionalInfo } = lot;
    const infoCharacters = additionalInfo === null ? 0 : characters(additionalInfo);
    const imageCount = new Set(images).size;
    return this.count({ lotId, webhook, imageCount, addressCount: images.length, infoCharacters }) ? lot : null;
  }

  /**
   * Counts a lot that breaks no rule by itself. Not used for the first lot, which a synchronous answer needs as a
   * whole.
   * @returns whether the lot must be kept
   */
  addChecked(lot: JudgedLot): boolean {
    this.total += 1;
    this.namesPhotos = true;
    return this.total <= this.limits.maxLots && this.count(lot);
  }

  private count({ lotId, webhook, imageCount, addressCount = imageCount, infoCharacters }: JudgedLot): boolean {
    if (this.seen.has(lotId)) this.duplicates.add(lotId);
    else this.seen.add(lotId);
    if (webhook !== null && this.webhooks.size <= MAX_WEBHOOKS) this.webhooks.add(webhook);
    this.images += imageCount;
    this.infoCharacters += infoCharacters;
    if (imageCount === 0) this.lotsWithoutImages += 1;
    if (addressCount > this.limits.maxSyncImages) this.overSync.add(lotId);
    if (addressCount > this.limits.maxLotImages) this.overBatch.add(lotId);
    // Lots of a refused request are not kept; an address with U+0000, for example, could not even be spooled.
    return !this.refusable;
  }

  /** Whether a reason to refuse the request has already been found. */
  private get refusable(): boolean {
    return this.problems.count + this.invalidImages.count + this.invalidWebhooks.count > 0;
  }

  invalidImage(url: string): void {
    this.invalidImages.add(url);
  }

  invalidWebhook(url: string): void {
    this.invalidWebhooks.add(url);
  }

  /**
   * Checks the whole request; call it after the signature is found correct.
   * @param head - all members but `lots`
   * @param hasLots - whether `lots` was there and an array
   * @param respondAsync - `Prefer: respond-async` asks for a batch
   * @throws ServiceError with the documented code of the first rule that is broken
   */
  judge(head: Readonly<Record<string, unknown>>, hasLots: boolean, respondAsync: boolean): CheckedRequest {
    const checked = checkHead(head, this.urls, this);
    if (!hasLots || this.total === 0) this.problems.add('lots', 'must be a list of at least one lot');
    if (this.total > this.limits.maxLots) this.throwTooManyLots();
    const lotWebhooks = this.webhooks.size > 0;
    if (checked.webhookUrl !== null) this.webhooks.add(checked.webhookUrl);
    if (this.webhooks.size > MAX_WEBHOOKS) {
      this.problems.add('lots[].webhook', `at most ${MAX_WEBHOOKS} different addresses a job`);
    }
    const processing = this.chooseMode(checked, respondAsync);
    checkLanguageTags(checked.languages, this.limits.maxLanguages, this.problems);
    this.problems.throwIfAny();
    this.throwTooManyImages(processing);
    if (processing === 'sync' && this.lotsWithoutImages > 0) {
      this.problems.add('lots[0].images', 'must name at least one photo');
      this.problems.throwIfAny();
    }
    this.throwDuplicates();
    this.invalidImages.throwOfPhotos();
    this.invalidWebhooks.throwOfWebhooks();
    return {
      ...checked,
      processing,
      totalLots: this.total,
      totalImages: this.images,
      totalInfoCharacters: this.infoCharacters,
      webhooks: this.webhooks,
      lotWebhooks,
      onlyLot: processing === 'sync' ? this.first : null,
      warnings: this.unknown.warnings,
    };
  }

  /** Which rate limit a request counts against; known even if the request turns out to be invalid. */
  guessMode(head: Readonly<Record<string, unknown>>, respondAsync: boolean): 'sync' | 'batch' {
    const { mode } = head;
    if (mode === 'batch' || (mode !== 'sync' && respondAsync)) return 'batch';
    return mode === 'sync' || (this.total <= 1 && this.images <= this.limits.maxSyncImages) ? 'sync' : 'batch';
  }

  private chooseMode(head: RequestHead, respondAsync: boolean): 'sync' | 'batch' {
    if (head.mode === 'batch' || (head.mode === 'auto' && respondAsync)) return 'batch';
    if (head.mode === 'sync') {
      if (this.total > 1) this.problems.add('mode', 'sync takes one lot; use batch for more');
      return 'sync';
    }
    return this.total === 1 && this.images <= this.limits.maxSyncImages ? 'sync' : 'batch';
  }

  private throwTooManyLots(): never {
    throw new ServiceError('BATCH_SIZE_EXCEEDED', `Send at most ${this.limits.maxLots} lots in one request.`, {
      members: { provided_lots: this.total, max_allowed: this.limits.maxLots },
      details: { provided_lots: this.total, max_allowed: this.limits.maxLots },
    });
  }

  private throwTooManyImages(processing: 'sync' | 'batch'): void {
    const over = processing === 'sync' ? this.overSync : this.overBatch;
    const most = processing === 'sync' ? this.limits.maxSyncImages : this.limits.maxLotImages;
    if (over.count === 0) return;
    const { maxLotImages } = this.limits;
    const where = processing === 'sync' ? ` in a synchronous request, ${maxLotImages} with mode "batch"` : '';
    throw new ServiceError('TOO_MANY_IMAGES', `A lot may have at most ${most} photos${where}.`, {
      details: { lot_ids: over.named, max_allowed: most },
    });
  }

  private throwDuplicates(): void {
    if (this.duplicates.count === 0) return;
    throw new ServiceError('DUPLICATE_LOT_ID', 'Each lot_id may be used only once in a request.', {
      details: { lot_ids: this.duplicates.named },
    });
  }
}
