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
  /** The photos that are there, each once, with their numbers in the client's list. */
  readonly photos: readonly PhotoRef[];
  /** The photos that are missing. */
  readonly missing: readonly MissingPhoto[];
  /** The addresses of existing photos that we must send ourselves, because no model takes their format. */
  readonly carried?: readonly string[];
}

export interface PhotoWays {
  readonly carrier: PhotoCarrier;
  /** The longest side of a carried photo, in pixels. */
  readonly side: number;
  /** The setting IMAGE_MAX_UNREACHABLE, from 0 to 1. */
  readonly maxUnreachable: number;
  readonly limits: CallLimits;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Asks at low cost whether OpenAI can take these photos; resolves with its complaint, or with null. */
  probe(urls: readonly string[]): Promise<OpenAiError | null>;
}

/**
 * How many calls a lot may take because of its photos, besides the one that describes it: refused calls, which cost
 * nothing, and probes. A lot of 100 photos of which 30 are named one by one, each after a time-out, needs 61.
 */
const MOST_CALLS = 64;
/**
 * After OpenAI could not download this many photos of a host, we carry the host's other photos without asking about
 * each.
 */
const HOST_FAILURES = 2;

const REASONS: Readonly<Record<NotCarried, PhotoReason>> = {
  not_a_photo: 'not_a_photo',
  too_large: 'too_large',
  // All we know is that OpenAI could not take the photo.
  not_fetched: 'openai',
  no_room: 'openai',
};

/** Formats that no model takes, recognized by the first bytes. */
const STRANGE: ReadonlySet<SeenFormat> = new Set(['avif', 'tiff', 'other']);

/** Refusals that stay the same in whatever way the picture is sent. */
const UNHELPABLE = new Set(['image_content_policy_violation', 'image_too_small']);
const TIMED_OUT = /\btim(?:e[ds]?[\s_-]?out|ing out)\b/i;
const DOWNLOAD = /download|fetch|unreachable|\burl\b/i;

/**
 * The photos of one lot that are sent to the model: which are left, how each is sent, and what to do when OpenAI cannot
 * take one. After a time-out a photo is tried once more; then we carry it, if that is allowed; then it is left out.
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

  /** The addresses or data URLs in the request, in the order of `photos`. */
  get urls(): string[] {
    return this.left.map(({ url }) => this.carried.sentAs(url));
  }

  /** The photos that were left out, with the client's addresses. */
  get leftOut(): MissingPhoto[] {
    return [...this.dropped].map(([url, reason]) => ({ url, reason: this.ways.carrier.shown(url, reason) }));
  }

  /** All photos that the model does not see, including those that were missing from the start. */
  get missing(): MissingPhoto[] {
    return [...this.lot.missing, ...this.leftOut];
  }

  private get missingCount(): number {
    return this.lot.missing.length + this.dropped.size;
  }

  /** Call before the first request. @throws LotError when too few photos are left */
  async prepare(): Promise<void> {
    if (this.lot.carried === undefined || this.lot.carried.length === 0) return;
    await this.mend(this.lot.carried);
    this.judge();
  }

  /**
   * Call after a request that OpenAI refused because of photos.
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

  /**
   * Call after a request that was too long: keeps half of the photos.
   * @returns false when a single photo is too much
   */
  halve(): boolean {
    const fewer = withFewerPhotos(this.left);
    if (fewer === null) return false;
    this.left = fewer;
    return true;
  }

  /** Frees the carried photos; nothing may be sent afterwards. */
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

  /**
   * Some photo is bad and the error does not say which. It tries their first bytes, then carrying all, then halving.
   */
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

  /** The photos whose first bytes show a format that no model takes, whatever type their hosts declare. */
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
    // Each passes alone, so their number or total size is too large, and leaving one out would only hide that.
    if (culprits.length === 0) throw callError(error, this.missing);
    this.drop(culprits, 'openai');
  }

  /** Asks again after a time-out, or a slow minute of a good host would lose its photos. */
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

  /**
   * Carries those of these photos that can be carried, and leaves out the rest, also those that were carried already.
   */
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

  /**
   * Carries all photos of hosts from which OpenAI could not download several, but we could: the others would fail too.
   */
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
   * Carries these photos, good and bad ones. A photo that we cannot fetch stays as it was; a file that is no photo is
   * left out.
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

  /** Applies the limit for missing photos, so that the remaining photos still show the lot. */
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
