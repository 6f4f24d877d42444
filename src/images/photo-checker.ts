import { Inject, Injectable, Optional } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import { inSpan, noteOnSpan } from '../common/spans.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { bareHost, checkUrl, AllowList } from '../outbound/address-rules.js';
import { HostPaces } from './host-paces.js';
import { KeyedLimiter } from './keyed-limiter.js';
import { PhotoAsker, type Asked } from './photo-asker.js';
import type { LaneLimits, LotPhotos, OpenPhoto, PhotoCheck, PhotoCheckOptions, PhotoLane } from './photo-check.js';
import type { PhotoMethod } from './photo-fault.js';
import type { PhotoFile } from './photo-file.js';
import { countPhoto } from './photo-metrics.js';
import { reasonFor } from './photo-reason.js';
import { withOwnSignal } from './own-signal.js';
import type { PhotoSize } from './photo-size.js';
import { withinThreshold } from './photo-thresholds.js';
import { SharedChecks } from './shared-checks.js';

/** How long a synchronous request waits in total for hosts that answer "not now". */
const SYNC_PATIENCE_MS = 15_000;
/**
 * How long a batch's photo is asked for again on a host that answers no request; the other photos of the same round
 * wait for it.
 */
const SILENT_PATIENCE_MS = 5_000;
/** A request with less time than this is not worth sending. */
const SHORTEST_ASK_MS = 500;
/** The pause between two rounds for one photo, whatever its host's pace is; it doubles each time. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;

/** Injection token of {@link LaneLimits} by lane; need not be provided. */
const PHOTO_LIMITS = Symbol('PHOTO_LIMITS');

/** Together the limits per host are below the connections that OutboundClient opens to one origin. */
const DEFAULT_LIMITS: Readonly<Record<PhotoLane, LaneLimits>> = {
  sync: { total: 512, perHost: 128 },
  batch: { total: 128, perHost: 32 },
};

/** A photo that is being checked. */
interface Wanted {
  readonly url: string;
  readonly host: string;
  readonly lane: PhotoLane;
  readonly until: number;
  readonly listed: boolean;
  readonly look: boolean;
  readonly thorough: boolean;
}

/**
 * Checks whether photos are there. A photo is missing for good only when its host's answer, or its bytes, are final. A
 * host that answers "not now" is asked again at a pace that it can handle: for 15 s in synchronous mode, in a batch for
 * as long as its stage decides.
 */
@Injectable()
export class PhotoChecker {
  private readonly lanes: Readonly<Record<PhotoLane, KeyedLimiter>>;
  private readonly checks: SharedChecks<PhotoCheck>;
  private readonly maxUnreachable: number;
  private readonly carries: boolean;

  constructor(
    @Inject(APP_CONFIG) config: AppConfig,
    private readonly clock: Clock,
    private readonly asker: PhotoAsker,
    private readonly allow: AllowList,
    private readonly paces: HostPaces,
    @Optional() @Inject(PHOTO_LIMITS) lanes: Readonly<Record<PhotoLane, LaneLimits>> = DEFAULT_LIMITS,
  ) {
    this.maxUnreachable = config.images.maxUnreachable;
    this.carries = config.images.carry;
    this.checks = new SharedChecks(clock);
    this.lanes = { sync: this.limiterOf(lanes.sync), batch: this.limiterOf(lanes.batch) };
  }

  /**
   * Checks a lot's photos at the same time.
   * @throws the signal's reason once `signal` is raised; OutboundError of kind `aborted` at shutdown; never for a photo
   * that is not there
   */
  checkLot(urls: readonly string[], options: PhotoCheckOptions = {}): Promise<LotPhotos> {
    const different = [...new Set(urls)];
    return inSpan('photos', { 'lot.photos': different.length }, () => this.checkAll(different, options));
  }

  private async checkAll(different: readonly string[], { signal, ...how }: PhotoCheckOptions): Promise<LotPhotos> {
    const checks = await withOwnSignal(signal, (own) =>
      Promise.all(different.map((url) => this.check(url, { ...how, signal: own }))),
    );
    const reachable: string[] = [];
    const carried: string[] = [];
    const missing: MissingPhoto[] = [];
    const open: OpenPhoto[] = [];
    const sizes = new Map<string, PhotoSize>();
    for (const [index, check] of checks.entries()) {
      const url = different[index] as string;
      const carries = !check.reachable && check.carriable === true && this.carries && how.lane !== 'batch';
      if (carries) carried.push(url);
      if (check.reachable && check.size != null) sizes.set(url, check.size);
      if (check.reachable || carries) reachable.push(url);
      else if (check.final || how.lane !== 'batch') missing.push({ url, reason: check.reason });
      else open.push({ url, reason: check.reason, hostAnswers: this.answersLately(url) });
    }
    noteOnSpan({ 'lot.photos_missing': missing.length });
    return {
      reachable,
      carried,
      missing,
      sizes,
      open,
      withinThreshold: this.areEnough(different.length, missing.length),
    };
  }

  /** Whether a lot can still be described when so many of its photos are missing. */
  areEnough(total: number, missing: number): boolean {
    return withinThreshold(total, missing, this.maxUnreachable);
  }

  /**
   * Checks one photo, once for all who ask for it within some minutes. A waiting client does not get an older "no", nor
   * does a job get one from before it was made: its client may have corrected the photo since.
   * @throws OutboundError of kind `aborted`, or the signal's reason, once `signal` is raised
   */
  async check(url: string, options: PhotoCheckOptions = {}): Promise<PhotoCheck> {
    const { signal, lane = 'sync', until, since, look = () => false, thorough = false } = options;
    const checked = checkUrl(url, this.allow);
    if (!checked.ok) {
      countPhoto('refused');
      return { reachable: false, failure: 'refused', reason: reasonFor('refused', null), final: true };
    }
    const { href } = checked.url;
    const looks = look(url);
    const known = this.checks.known(href);
    // A size that could not be told is worth another look only to a thorough caller.
    const isSeen = known?.reachable === true && (thorough ? known.size != null : known.size !== undefined);
    const serves =
      known?.reachable === true ? !looks || isSeen : lane === 'batch' && this.checks.known(href, since) !== undefined;
    if (known !== undefined && serves) {
      countPhoto('known');
      return known;
    }
    return this.checks.join(`${lane}${thorough ? ' thorough' : ''} ${href}`, signal, async (shared) => {
      const wanted = {
        url,
        host: hostKey(checked.url),
        lane,
        until: until ?? this.clock.now() + SYNC_PATIENCE_MS,
        listed: this.allow.covers(bareHost(checked.url)),
        look: looks,
        thorough,
      };
      const check = await this.find(wanted, shared);
      if (check.reachable || check.final) this.checks.remember(href, check);
      if (!check.reachable) countPhoto(check.failure);
      return check;
    });
  }

  /**
   * The earliest end of a rest among the hosts of `urls` (milliseconds since 1970), or null when one of the hosts does
   * not rest.
   */
  restingUntil(urls: readonly string[]): number | null {
    let earliest: number | null = null;
    for (const url of urls) {
      const host = this.hostOf(url);
      const until = host === null ? null : this.paces.restingUntil(host);
      if (until === null) return null;
      if (earliest === null || until < earliest) earliest = until;
    }
    return earliest;
  }

  private answersLately(url: string): boolean {
    const host = this.hostOf(url);
    return host !== null && this.paces.answersLately(host);
  }

  private hostOf(url: string): string | null {
    const checked = checkUrl(url, this.allow);
    return checked.ok ? hostKey(checked.url) : null;
  }

  /** Asks in rounds, at the host's pace, until there is a final answer or the time is over. */
  private async find(wanted: Wanted, signal: AbortSignal): Promise<PhotoCheck> {
    const { host, lane } = wanted;
    const began = this.clock.now();
    let method: PhotoMethod = 'HEAD';
    let last: PhotoCheck = {
      reachable: false,
      failure: 'host_rests',
      reason: wanted.listed ? 'unreachable' : this.paces.reason(host),
      final: false,
    };
    for (let round = 0; ;) {
      const silent = lane === 'batch' && !this.paces.answersLately(host);
      const until = silent ? Math.min(wanted.until, began + SILENT_PATIENCE_MS) : wanted.until;
      // A waiting client gets a fresh answer, unless the host itself asked to wait.
      const rest = this.paces.restingUntil(host, lane === 'sync' && round === 0);
      if (rest !== null) {
        if (rest > until || (silent && this.paces.hangs(host))) return last;
        await this.clock.sleep(rest - this.clock.now(), signal);
      }
      if (round > 0 && this.clock.now() + SHORTEST_ASK_MS > until) return last;
      const asked = await this.askInTurn(wanted, method, round, signal);
      // Sent away: the host answered "not now" meanwhile.
      if (asked === null) {
        if (this.clock.now() > until) return last;
        continue;
      }
      if (asked.kind === 'there') {
        countPhoto(asked.by === 'HEAD' ? 'head' : 'get');
        return { reachable: true, ...(asked.size !== undefined && { size: asked.size }), file: asked.file };
      }
      const { failure, reason, next, carriable, file } = asked;
      const told = { ...(carriable && { carriable }), ...(file !== undefined && { file }) };
      last = { reachable: false, failure, reason, final: asked.kind === 'final', ...told };
      if (last.final) return last;
      method = next;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** round++);
      if (this.clock.now() + wait > until) return last;
      await this.clock.sleep(wait, signal);
    }
  }

  /** @returns null when the host began to rest before it was this photo's turn */
  private async askInTurn(
    { url, host, lane, until, look, thorough }: Wanted,
    method: PhotoMethod,
    round: number,
    signal: AbortSignal,
  ): Promise<Asked | null> {
    return this.lanes[lane].run(host, signal, async () => {
      if (this.paces.restingUntil(host, lane === 'sync' && round === 0) !== null) return null;
      const longestMs = round > 0 && lane === 'sync' ? Math.max(SHORTEST_ASK_MS, until - this.clock.now()) : Infinity;
      const begun = this.paces.begin(host);
      let asked: Asked;
      try {
        asked = await this.asker.ask(url, method, longestMs, signal);
        if (look && asked.kind === 'there' && asked.size === undefined) {
          asked = await this.lookAt(url, host, asked.file, thorough, signal);
        }
      } catch (error) {
        this.paces.calledOff(host);
        throw error;
      }
      if (asked.kind !== 'later') this.paces.answered(host);
      else if (this.paces.notNow(host, begun, asked)) {
        for (const limiter of Object.values(this.lanes)) limiter.sendAway(host);
      }
      return asked;
    });
  }

  /** Reads the first bytes of a photo that its HEAD says is there; only what they show can change that. */
  private async lookAt(
    url: string,
    host: string,
    head: PhotoFile,
    thorough: boolean,
    signal: AbortSignal,
  ): Promise<Asked> {
    const look = thorough || this.paces.mayLook(host) ? await this.asker.look(url, signal) : null;
    if (look?.kind === 'in_vain') this.paces.lookedInVain(host);
    if (look?.kind === 'final' || look?.kind === 'later') return look;
    const seen = look?.kind === 'in_vain' && thorough ? look.seen : look;
    if (seen?.kind !== 'seen') return { kind: 'there', by: 'HEAD', size: null, file: head };
    const viaAllowList = head.viaAllowList || seen.file.viaAllowList;
    const file = { ...seen.file, bytes: seen.file.bytes ?? head.bytes, viaAllowList };
    return { kind: 'there', by: 'HEAD', size: seen.size, file };
  }

  private limiterOf({ total, perHost }: LaneLimits): KeyedLimiter {
    return new KeyedLimiter(total, (host) => Math.min(perHost, this.paces.limit(host)));
  }
}

/** Host and port, by which rests and limits are kept. */
function hostKey(url: URL): string {
  return `${bareHost(url)} ${url.port === '' ? url.protocol : url.port}`;
}
