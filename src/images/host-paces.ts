import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { PhotoReason } from '../common/missing-photo.js';
import { remember } from '../common/remember.js';

/** Requests at the same time to a host that never answered "not now". */
export const MOST_AT_ONCE = 128;
/** The pause after the first "not now". It doubles with each further "not now" without a good answer in between. */
const FIRST_REST_MS = 250;
/** The longest pause between requests to a host that answers "not now". */
export const LONGEST_REST_MS = 5 * 60_000;
/** A "not now" that takes this long delays other checks too. */
const HANGING_MS = 2_000;
/** A host's Retry-After is respected up to this. One header must not block the photos of all clients for a day. */
const LONGEST_RETRY_AFTER_MS = 20 * 60_000;
/** A host whose last answer is older than this counts as not answering. */
const LATELY_MS = 20 * 60_000;
/** How long no photo's first bytes are asked for after a host did not show them. */
const IN_VAIN_MS = 10 * 60_000;
/**
 * The most hosts that are remembered. Above it the host that was asked longest ago is forgotten, so that invented host
 * names cannot fill the memory.
 */
const MAX_HOSTS = 10_000;

interface Pace {
  /**
   * Requests that the host takes at the same time, as far as is known. A fraction grows towards the next whole number.
   */
  limit: number;
  running: number;
  /** "Not now" answers in a row; those at the same time count once. */
  streak: number;
  /** The end of the pause that the host itself asked for. */
  askedUntil: number;
  restingUntil: number;
  /** When the limit was last lowered. Requests that began before it tell nothing new. */
  cutAt: number;
  answeredAt: number;
  /** The reason of the last "not now". */
  reason: PhotoReason;
  /** Whether the last "not now" took a long time. */
  hangs: boolean;
  /** When it did not show a photo's first bytes although the photo was there. */
  lookedInVainAt: number;
}

export interface NotNow {
  readonly reason: PhotoReason;
  /** 0 when the host did not say. */
  readonly retryAfterMs: number;
}

/**
 * The pace of each photo host (host and port), as this process has seen it. A "not now" (429, 5xx, a broken connection,
 * no answer) halves the number of requests at the same time and starts a pause, for at least as long as Retry-After
 * says. Each good answer raises the number again.
 */
@Injectable()
export class HostPaces {
  private readonly hosts = new Map<string, Pace>();

  constructor(private readonly clock: Clock) {}

  /** Requests that may run at the same time now. */
  limit(host: string): number {
    return Math.max(1, Math.floor(this.hosts.get(host)?.limit ?? MOST_AT_ONCE));
  }

  /**
   * Milliseconds since 1970 until which the host is not to be asked, or null.
   * @param askedForOnly - only what its Retry-After says: with a client waiting, our own pauses do not apply
   */
  restingUntil(host: string, askedForOnly = false): number | null {
    const pace = this.hosts.get(host);
    if (pace === undefined) return null;
    const until = askedForOnly ? pace.askedUntil : Math.max(pace.askedUntil, pace.restingUntil);
    return until > this.clock.now() ? until : null;
  }

  /** Whether the host answered within the last 20 minutes, with a photo or a final refusal. */
  answersLately(host: string): boolean {
    return (this.hosts.get(host)?.answeredAt ?? -Infinity) > this.clock.now() - LATELY_MS;
  }

  /** Whether asking again costs seconds: the host has not answered since a request took that long. */
  hangs(host: string): boolean {
    const pace = this.hosts.get(host);
    return pace !== undefined && pace.streak > 0 && pace.hangs;
  }

  /** The reason of its last "not now". */
  reason(host: string): PhotoReason {
    return this.hosts.get(host)?.reason ?? 'host_busy';
  }

  /** Whether the first bytes of photos that a HEAD has found may be asked for: a second request must be worth it. */
  mayLook(host: string): boolean {
    return (this.hosts.get(host)?.lookedInVainAt ?? -Infinity) <= this.clock.now() - IN_VAIN_MS;
  }

  lookedInVain(host: string): void {
    this.touch(host).lookedInVainAt = this.clock.now();
  }

  /** A request begins. @returns its start, to be passed on when it ends */
  begin(host: string): number {
    this.touch(host).running++;
    return this.clock.now();
  }

  /** The request got a final answer, so the host is well. */
  answered(host: string): void {
    const pace = this.touch(host);
    pace.running = Math.max(0, pace.running - 1);
    pace.answeredAt = this.clock.now();
    pace.streak = 0;
    pace.restingUntil = 0;
    pace.limit = Math.min(MOST_AT_ONCE, pace.limit + 1 / pace.limit);
  }

  /** The request was cancelled, which says nothing about its host. */
  calledOff(host: string): void {
    const pace = this.touch(host);
    pace.running = Math.max(0, pace.running - 1);
  }

  /**
   * The request was answered "not now".
   * @param begun - from {@link begin}
   * @param word - the reason, and how long the host asked to wait
   * @returns true when the host rests from now on, so that waiting checks should look again
   */
  notNow(host: string, begun: number, { reason, retryAfterMs }: NotNow): boolean {
    const now = this.clock.now();
    const pace = this.touch(host);
    const running = pace.running;
    pace.running = Math.max(0, running - 1);
    pace.reason = reason;
    if (retryAfterMs > 0) {
      pace.askedUntil = Math.max(pace.askedUntil, now + Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS));
    }
    // Requests that ran at the same time count as one "not now": thirty-two of them must not halve the limit five
    // times.
    if (begun < pace.cutAt) return retryAfterMs > 0;
    pace.cutAt = now;
    pace.streak++;
    // After two in a row without an answer in between, one request is enough to see whether the host is back.
    pace.limit = pace.streak > 1 ? 1 : Math.max(1, Math.min(pace.limit, running) / 2);
    // A host that was silent for eight seconds is not asked again after a quarter of a second.
    const took = now - begun;
    pace.hangs = took >= HANGING_MS;
    const rest = Math.max(FIRST_REST_MS, took / 2) * 2 ** (pace.streak - 1);
    pace.restingUntil = now + Math.min(LONGEST_REST_MS, rest);
    return true;
  }

  private touch(host: string): Pace {
    const pace = this.hosts.get(host) ?? {
      limit: MOST_AT_ONCE,
      running: 0,
      streak: 0,
      askedUntil: 0,
      restingUntil: 0,
      cutAt: 0,
      answeredAt: -Infinity,
      reason: 'host_busy' as const,
      hangs: false,
      lookedInVainAt: -Infinity,
    };
    remember(this.hosts, host, pace, MAX_HOSTS);
    return pace;
  }
}
