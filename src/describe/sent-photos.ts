import type { PhotoRef } from '../assessment/assessment.js';
import { withFewerPhotos } from '../assessment/vision-request.js';
import type { MissingPhoto, PhotoReason } from '../common/missing-photo.js';
import type { PhotoCarrier, SeenFormat } from '../images/photo-carrier.js';
import { withinThreshold } from '../images/photo-thresholds.js';
import { OpenAiError } from '../openai/errors.js';
import type { CallLimits } from '../openai/retry.js';
import { callError } from './call-errors.js';
import { CarriedPhotos, type NotCarried } from './carried-photos.js';
import { findCulprits } from './find-culprits.js';
import { unreachablePhotos } from './lot-error.js';
import { photosNamed } from './photos-named.js';

/** A lot's photos before the first call. */
export interface PhotosOfLot {
  /** Those that are there, each once, with their numbers in the client's list. */
  readonly photos: readonly PhotoRef[];
  /** Those that are not. */
  readonly missing: readonly MissingPhoto[];
  /** Of those that are there: what we must send ourselves, because no model takes its format. */
  readonly carried?: readonly string[];
}

export interface PhotoWays {
  readonly carrier: PhotoCarrier;
  /** The longest side of a carried photo. */
  readonly side: number;
  /** IMAGE_MAX_UNREACHABLE. */
  readonly maxUnreachable: number;
  readonly limits: CallLimits;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Asks cheaply whether OpenAI can take these; resolves with its complaint about them, or with null. */
  probe(urls: readonly string[]): Promise<OpenAiError | null>;
}

/**
 * Calls that a lot may cost because of its photos, besides the one that describes it: those that OpenAI refused, which nobody pays for,
 * and probes. A lot of 100 photos of which 30 are named one by one, after a time-out each, needs 61.
 */
const MOST_CALLS = 64;
/** Photos of one host that OpenAI could not download, after which we carry the others of that host too and ask no more about each. */
const HOST_FAILURES = 2;

const REASONS: Readonly<Record<NotCarried, PhotoReason>> = {
  not_a_photo: 'not_a_photo',
  too_large: 'too_large',
  // OpenAI could not take it, and what we know of it is no more than that.
  not_fetched: 'openai',
  no_room: 'openai',
};

/** What no model takes, as its first bytes show it. */
const STRANGE: ReadonlySet<SeenFormat> = new Set(['avif', 'tiff', 'other']);

/** Refusals that no other way of sending the same picture helps. */
const UNHELPABLE = new Set(['image_content_policy_violation', 'image_too_small']);
const TIMED_OUT = /\btim(?:e[ds]?[\s_-]?out|ing out)\b/i;
const DOWNLOAD = /download|fetch|unreachable|\burl\b/i;

/**
 * The photos of one lot on their way to the model: which are left, how each is sent, and what to do when OpenAI cannot take one.
 * A photo that it cannot have is asked for once more after a time-out, then carried by us where that is allowed, then left out.
 */
export class SentPhotos {
  private left: readonly PhotoRef[];
  private readonly total: number;
  private readonly carried: CarriedPhotos;
  private readonly askedAgain = new Set<string>();
  private readonly dropped = new Map<string, PhotoReason>();
  private readonly failuresOfHost = new Map<string, number>();
  private calls = 0;
  private lastRefusal: OpenAiError | undefined;
  private unnamedTimeouts = 0;
  private lookedAt = false;
  private carriedAll = false;

  constructor(
    private readonly lot: PhotosOfLot,
    private readonly ways: PhotoWays,
  ) {
    this.left = lot.photos;
    this.total = this.left.length + lot.missing.length;
    this.carried = new CarriedPhotos(ways.carrier, ways.side, ways.limits, ways.now);
  }

  get photos(): readonly PhotoRef[] {
    return this.left;
  }

  /** What the request names, in the order of `photos`. */
  get urls(): string[] {
    return this.left.map(({ url }) => this.carried.sentAs(url));
  }

  /** Those that were left out, under the client's addresses. */
  get leftOut(): MissingPhoto[] {
    return [...this.dropped].map(([url, reason]) => ({ url, reason: this.ways.carrier.shown(url, reason) }));
  }

  /** All that the model does not see, those that were never there included. */
  get missing(): MissingPhoto[] {
    return [...this.lot.missing, ...this.leftOut];
  }

  private get missingCount(): number {
    return this.lot.missing.length + this.dropped.size;
  }

  /** Before the first call. @throws LotError when too few photos are left */
  async prepare(): Promise<void> {
    if (this.lot.carried === undefined || this.lot.carried.length === 0) return;
    await this.mend(this.lot.carried);
    this.judge();
  }

  /**
   * After a call that OpenAI refused because of photos.
   * @throws LotError when too few photos are left, or nothing is left to try
   */
  async after(error: OpenAiError): Promise<void> {
    this.countCall(error);
    const { named, among } = photosNamed(
      error,
      this.left.map(({ url }) => (this.carried.has(url) ? null : url)),
    );
    if (named.size > 0) await this.afterNamed(error, this.urlsAt(named));
    else await this.afterUnnamed(error, among.size > 0 ? this.urlsAt(among) : this.left.map(({ url }) => url));
    this.judge();
  }

  /** After a request that was too long: half of the photos. @returns false when one alone is too much */
  halve(): boolean {
    const fewer = withFewerPhotos(this.left);
    if (fewer === null) return false;
    this.left = fewer;
    return true;
  }

  /** Lets go of what was carried; nothing may be sent afterwards. */
  release(): void {
    this.carried.release();
  }

  private async afterNamed(error: OpenAiError, urls: readonly string[]): Promise<void> {
    const timedOut = isTimeout(error);
    const failed = urls.filter((url) => !timedOut || this.carried.has(url) || this.askedAgain.has(url));
    for (const url of urls) this.askedAgain.add(url);
    if (failed.length === 0) return;
    if (!this.mayCarry(error)) {
      this.drop(failed, 'openai');
      return;
    }
    await this.mend(failed);
    if (DOWNLOAD.test(error.upstreamMessage ?? '')) await this.carryHosts(failed);
  }

  /** Something is wrong with some photo: its bytes may tell, or sending all of them ourselves; else halving does. */
  private async afterUnnamed(error: OpenAiError, suspects: readonly string[]): Promise<void> {
    if (isTimeout(error) && this.unnamedTimeouts++ === 0) return;
    if (!this.lookedAt) {
      this.lookedAt = true;
      const strange = await this.strange(suspects.filter((url) => !this.carried.has(url)));
      if (strange.length > 0) return this.mend(strange);
    }
    if (!this.carriedAll && this.mayCarry(error)) {
      this.carriedAll = true;
      if (await this.carryWhatWeCan(suspects)) return;
    }
    await this.halveUntilFound(error, suspects);
  }

  /** Those whose first bytes no model takes, whatever their hosts call them. */
  private async strange(urls: readonly string[]): Promise<string[]> {
    const { carrier, limits } = this.ways;
    const formats = await Promise.all(urls.map((url) => carrier.look(url, limits.signal)));
    return urls.filter((_url, index) => STRANGE.has(formats[index] ?? 'unknown'));
  }

  private async halveUntilFound(error: OpenAiError, suspects: readonly string[]): Promise<void> {
    const bearable = Math.floor(this.total * this.ways.maxUnreachable) - this.missingCount;
    const most = Math.max(0, bearable);
    const passes = (group: readonly string[]) => this.passes(group);
    let culprits = await findCulprits(suspects, passes, most);
    if (culprits.length === 0 && suspects.length < this.left.length) {
      culprits = await findCulprits(
        this.left.map(({ url }) => url),
        passes,
        most,
      );
    }
    // Each passes alone: it is their number or their size together, and leaving one out would only hide that.
    if (culprits.length === 0) throw callError(error, this.missing);
    this.drop(culprits, 'openai');
  }

  /** A time-out is asked once more here too, or a slow minute of a good host would cost its photos. */
  private async passes(group: readonly string[]): Promise<boolean> {
    const urls = group.map((url) => this.carried.sentAs(url));
    for (let asked = 1; ; asked++) {
      const refusal = await this.ways.probe(urls);
      this.countCall(refusal ?? undefined);
      if (refusal === null) return true;
      if (asked === 2 || !isTimeout(refusal)) return false;
    }
  }

  private countCall(error?: OpenAiError): void {
    this.lastRefusal = error ?? this.lastRefusal;
    if (++this.calls > MOST_CALLS) throw callError(this.lastRefusal, this.missing);
  }

  private mayCarry(error: OpenAiError): boolean {
    return this.ways.carrier.allowed && !UNHELPABLE.has(error.code ?? '');
  }

  /** Carries what can be carried of these and leaves out the rest; what was carried already has had its chance. */
  private async mend(urls: readonly string[]): Promise<void> {
    const fresh = urls.filter((url) => !this.carried.has(url));
    this.drop(
      urls.filter((url) => this.carried.has(url)),
      'openai',
    );
    if (!this.ways.carrier.allowed) return this.drop(fresh, 'openai');
    const problems = await this.carried.carry(fresh);
    for (const url of fresh) {
      const problem = problems.get(url);
      if (problem !== undefined) this.drop([url], REASONS[problem]);
    }
  }

  /** OpenAI could not download several photos of a host, and we could: the others of it would be refused one by one. */
  private async carryHosts(failed: readonly string[]): Promise<void> {
    const hosts = new Set<string>();
    for (const url of failed.filter((each) => this.carried.has(each))) {
      const host = hostOf(url);
      const failures = (this.failuresOfHost.get(host) ?? 0) + 1;
      this.failuresOfHost.set(host, failures);
      if (failures >= HOST_FAILURES) hosts.add(host);
    }
    if (hosts.size === 0) return;
    await this.carryWhatWeCan(this.left.map(({ url }) => url).filter((url) => hosts.has(hostOf(url))));
  }

  /**
   * Carries good photos beside bad ones; one that does not come to us stays as it was, and one that is no photo is left out.
   * @returns whether anything changed
   */
  private async carryWhatWeCan(urls: readonly string[]): Promise<boolean> {
    const fresh = urls.filter((url) => !this.carried.has(url));
    const problems = await this.carried.carry(fresh);
    let changed = fresh.some((url) => this.carried.has(url));
    for (const [url, problem] of problems) {
      if (REASONS[problem] === 'openai') continue;
      this.drop([url], REASONS[problem]);
      changed = true;
    }
    return changed;
  }

  private drop(urls: readonly string[], reason: PhotoReason): void {
    const gone = new Set(urls);
    for (const url of gone) this.dropped.set(url, reason);
    this.left = this.left.filter(({ url }) => !gone.has(url));
  }

  /** The share of missing photos that holds everywhere: what is left over must still be the lot. */
  private judge(): void {
    if (this.dropped.size === 0) return;
    if (withinThreshold(this.total, this.missingCount, this.ways.maxUnreachable)) return;
    throw unreachablePhotos(this.missing, this.total);
  }

  private urlsAt(indexes: ReadonlySet<number>): string[] {
    return this.left.filter((_photo, index) => indexes.has(index)).map(({ url }) => url);
  }
}

function isTimeout(error: OpenAiError): boolean {
  return TIMED_OUT.test(error.upstreamMessage ?? '');
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
