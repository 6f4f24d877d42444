import { setMaxListeners } from 'node:events';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { abortReason } from '../common/clock.js';
import { urlsOf, type MissingPhoto, type PhotoReason } from '../common/missing-photo.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { bareHost, checkUrl, AllowList } from '../outbound/address-rules.js';
import { OutboundClient } from '../outbound/outbound-client.js';
import { OutboundError, type OutboundErrorKind } from '../outbound/outbound-error.js';
import { HostRests } from './host-rests.js';
import { KeyedLimiter } from './keyed-limiter.js';
import { judgeGet, judgeHead } from './photo-answer.js';
import { carriedFormatOf } from './photo-format.js';
import { countPhoto } from './photo-metrics.js';
import { reasonFor, type PhotoFailure } from './photo-reason.js';
import { withinThreshold } from './photo-thresholds.js';

/** Bytes of a photo that are read at most: enough for every signature and the hint for animation. */
export const PHOTO_BYTES = 32_768;
const REDIRECTS = 3;

export type PhotoCheck =
  | {
      readonly reachable: true;
      /** No model takes its format; we can, and send it ourselves. */
      readonly carried?: true;
    }
  | {
      readonly reachable: false;
      /** What the last try came to. */
      readonly failure: PhotoFailure;
      /** The same as clients may read it. */
      readonly reason: PhotoReason;
    };

/** The photos of one lot, in the lot's order; a URL that the lot names twice is one photo. */
export interface LotPhotos {
  readonly reachable: readonly string[];
  /** Of these: AVIF and TIFF, which we must send ourselves. Never in the lane of batches, whose lines carry nothing. */
  readonly carried: readonly string[];
  readonly missing: readonly MissingPhoto[];
  /** False: too many are missing (IMAGE_MAX_UNREACHABLE), or none is left. */
  readonly withinThreshold: boolean;
  /**
   * Milliseconds since 1970 when some photo failed on a host that rests now: the lot's fate is that host's, so a batch may wait until then
   * and check again. Null otherwise.
   */
  readonly restingUntil: number | null;
}

/** Who waits: `sync` for a client on the line, `batch` for a job. Each has limits of its own, so that no job makes a client wait. */
export type PhotoLane = 'sync' | 'batch';

export interface LaneLimits {
  readonly total: number;
  readonly perHost: number;
}

export interface PhotoCheckOptions {
  readonly signal?: AbortSignal;
  /** `sync` by default. */
  readonly lane?: PhotoLane;
  /** Takes a resting host's photos for unreachable without asking: a host that hangs costs 8 s a photo, a day for a large job. */
  readonly trustRests?: boolean;
}

/** Injection token of {@link LaneLimits} by lane; need not be provided. */
export const PHOTO_LIMITS = Symbol('PHOTO_LIMITS');

/** Together per host below the connections that OutboundClient opens to one origin. */
const DEFAULT_LIMITS: Readonly<Record<PhotoLane, LaneLimits>> = {
  sync: { total: 512, perHost: 128 },
  batch: { total: 128, perHost: 32 },
};

/**
 * Are these photos there? Format of the URL, HEAD, and where that does not convince a GET of the first 32 KB: many hosts refuse HEAD, so a
 * photo is unreachable only when both fail.
 */
@Injectable()
export class PhotoChecker {
  private readonly lanes: Readonly<Record<PhotoLane, KeyedLimiter>>;
  private readonly limits: AppConfig['images'];

  constructor(
    @Inject(APP_CONFIG) config: AppConfig,
    private readonly outbound: OutboundClient,
    private readonly allow: AllowList,
    private readonly rests: HostRests,
    @Optional() @Inject(PHOTO_LIMITS) lanes: Readonly<Record<PhotoLane, LaneLimits>> = DEFAULT_LIMITS,
  ) {
    this.limits = config.images;
    this.lanes = { sync: limiterOf(lanes.sync), batch: limiterOf(lanes.batch) };
  }

  /**
   * Checks a lot's photos side by side.
   * A resting host is tried all the same, unless its rest is to be trusted: a client on the line gets a fresh answer rather than one of
   * five minutes ago, and a batch that wants to wait asks {@link restingUntil} first.
   * @throws the signal's reason once `signal` is raised; OutboundError of kind `aborted` at shutdown; never for a photo that is not there
   */
  async checkLot(urls: readonly string[], { signal, ...how }: PhotoCheckOptions = {}): Promise<LotPhotos> {
    const different = [...new Set(urls)];
    const checks = await withOwnSignal(signal, (own) =>
      Promise.all(different.map((url) => this.check(url, { ...how, signal: own }))),
    );
    const reachable: string[] = [];
    const carried: string[] = [];
    const missing: MissingPhoto[] = [];
    for (const [index, check] of checks.entries()) {
      const url = different[index] as string;
      if (check.reachable) reachable.push(url);
      if (check.reachable && check.carried === true) carried.push(url);
      if (!check.reachable) missing.push({ url, reason: check.reason });
    }
    return {
      reachable,
      carried,
      missing,
      withinThreshold: withinThreshold(different.length, missing.length, this.limits.maxUnreachable),
      restingUntil: this.restingUntil(urlsOf(missing)),
    };
  }

  /**
   * Checks one photo.
   * @throws OutboundError of kind `aborted`, or the signal's reason, once `signal` is raised
   */
  async check(url: string, { signal, lane = 'sync', trustRests = false }: PhotoCheckOptions = {}): Promise<PhotoCheck> {
    const checked = checkUrl(url, this.allow);
    if (!checked.ok) {
      countPhoto('refused');
      return { reachable: false, failure: 'refused', reason: reasonFor('refused', null) };
    }
    const host = bareHost(checked.url);
    return this.lanes[lane].run(host, signal, () => {
      // Looked up when it is this photo's turn: the first ones of a host may have put it to rest.
      if (!trustRests || this.rests.restingUntil(host) === null) return this.checkOnHost(host, url, lane, signal);
      countPhoto('host_rests');
      const reason = this.allow.covers(host) ? 'unreachable' : reasonFor('host_rests', null);
      return Promise.resolve({ reachable: false, failure: 'host_rests', reason } as const);
    });
  }

  /** The latest end of a rest among the hosts of `urls` (milliseconds since 1970), or null when none rests. */
  restingUntil(urls: readonly string[]): number | null {
    let latest: number | null = null;
    for (const url of urls) {
      const checked = checkUrl(url, this.allow);
      const until = checked.ok ? this.rests.restingUntil(bareHost(checked.url)) : null;
      if (until !== null && (latest === null || until > latest)) latest = until;
    }
    return latest;
  }

  private async checkOnHost(
    host: string,
    url: string,
    lane: PhotoLane,
    signal: AbortSignal | undefined,
  ): Promise<PhotoCheck> {
    const carries = this.limits.carry && lane === 'sync';
    const byHead = await this.try('HEAD', url, carries, signal);
    // A refused address stays refused; a second try would only give a rebinding name its second chance.
    const done = !('failure' in byHead) || byHead.failure === 'refused';
    const last = done ? byHead : await this.try('GET', url, carries, signal);
    if ('failure' in last && last.hostDown) this.rests.failed(host);
    else this.rests.answered(host);
    if (!('failure' in last)) {
      countPhoto(last === byHead ? 'head' : 'get');
      return { reachable: true, ...(last.carried && { carried: true }) };
    }
    countPhoto(last.failure);
    return { reachable: false, failure: last.failure, reason: last.reason };
  }

  /** @param carries - whether a format will do that we can turn into one which the models take */
  private async try(
    method: 'HEAD' | 'GET',
    url: string,
    carries: boolean,
    signal: AbortSignal | undefined,
  ): Promise<FoundPhoto | FailedTry> {
    const { headTimeoutSeconds, getTimeoutSeconds, maxBytes } = this.limits;
    const range: Record<string, string> = method === 'GET' ? { range: `bytes=0-${PHOTO_BYTES - 1}` } : {};
    try {
      const answer = await this.outbound.request(url, {
        purpose: 'photo',
        method,
        headers: { accept: 'image/*,*/*;q=0.8', ...range },
        deadlineMs: (method === 'GET' ? getTimeoutSeconds : headTimeoutSeconds) * 1000,
        maxBytes: PHOTO_BYTES,
        redirects: REDIRECTS,
        ...(signal === undefined ? {} : { signal }),
      });
      const fault = method === 'GET' ? judgeGet(answer, maxBytes, carries) : judgeHead(answer, maxBytes);
      if (fault === null) return { carried: method === 'GET' && carriedFormatOf(answer.body) !== null };
      const hostDown = answer.status === 429 || answer.status >= 500 || fault === 'cut_off';
      return {
        failure: fault,
        reason: answer.viaAllowList ? 'unreachable' : reasonFor(fault, answer.status),
        hostDown,
      };
    } catch (error) {
      if (!(error instanceof OutboundError) || error.kind === 'aborted') throw error;
      const reason = error.viaAllowList ? 'unreachable' : reasonFor(error.kind, null);
      return { failure: error.kind, reason, hostDown: HOST_DOWN.has(error.kind) };
    }
  }
}

interface FoundPhoto {
  readonly carried: boolean;
}

interface FailedTry {
  readonly failure: PhotoFailure;
  readonly reason: PhotoReason;
  /** It is the host that fails, not this photo: a CDN that answers 404 to twenty deleted photos is well. */
  readonly hostDown: boolean;
}

const HOST_DOWN: ReadonlySet<OutboundErrorKind> = new Set(['dns', 'connect', 'tls', 'timeout', 'reset']);

function limiterOf({ total, perHost }: LaneLimits): KeyedLimiter {
  return new KeyedLimiter(total, perHost);
}

/**
 * Runs `work` under a signal that follows `signal` and ends with `work`: when one check throws, the others stop too. A signal of its own, since
 * a hundred photos listening on the caller's would set off Node's warning about leaked listeners.
 */
async function withOwnSignal<T>(signal: AbortSignal | undefined, work: (own: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const follow = (): void => controller.abort(signal?.reason);
  if (signal?.aborted === true) follow();
  signal?.addEventListener('abort', follow, { once: true });
  try {
    return await work(controller.signal);
  } catch (error) {
    throw signal?.aborted === true ? abortReason(signal) : error;
  } finally {
    signal?.removeEventListener('abort', follow);
    controller.abort();
  }
}
