import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { PhotoReason } from '../common/missing-photo.js';
import { remember } from '../common/remember.js';

/** Requests side by side to a host that never said "not now". */
export const MOST_AT_ONCE = 128;
/** The rest after the first "not now"; it doubles with each that follows without a good answer between them … */
const FIRST_REST_MS = 250;
/** … up to this. */
export const LONGEST_REST_MS = 5 * 60_000;
/** A "not now" that takes so long holds up whoever asks. */
const HANGING_MS = 2_000;
/** A host's Retry-After is kept up to this: one header must not hold the photos of all clients for a day. */
const LONGEST_RETRY_AFTER_MS = 20 * 60_000;
/** A host whose last answer is older gives none. */
const LATELY_MS = 20 * 60_000;
/** Hosts remembered at most; beyond it the one longest not asked is forgotten, so that a client's inventions cost no memory. */
const MAX_HOSTS = 10_000;

interface Pace {
  /** Requests that it takes side by side, as far as is known; a fraction grows towards the next. */
  limit: number;
  running: number;
  /** "Not now" in a row, those of one moment counted once. */
  streak: number;
  /** Asked for by the host itself. */
  askedUntil: number;
  restingUntil: number;
  /** When the limit was last cut: requests that began before it say nothing new. */
  cutAt: number;
  answeredAt: number;
  /** Of the last "not now". */
  reason: PhotoReason;
  /** The last "not now" was long in coming. */
  hangs: boolean;
}

export interface NotNow {
  readonly reason: PhotoReason;
  /** 0 where it did not say. */
  readonly retryAfterMs: number;
}

/**
 * How photo hosts, by host and port, want to be asked, as far as this process has seen: a "not now" (429, 5xx, a broken connection, silence)
 * halves what is asked for side by side and makes the host rest, as long as its Retry-After says; each answer lets it grow again.
 */
@Injectable()
export class HostPaces {
  private readonly hosts = new Map<string, Pace>();

  constructor(private readonly clock: Clock) {}

  /** Requests that may run side by side now. */
  limit(host: string): number {
    return Math.max(1, Math.floor(this.hosts.get(host)?.limit ?? MOST_AT_ONCE));
  }

  /**
   * Milliseconds since 1970 until which the host is not to be asked, or null.
   * @param askedForOnly - only what its Retry-After says: whoever has a client on the line does not keep our own rests
   */
  restingUntil(host: string, askedForOnly = false): number | null {
    const pace = this.hosts.get(host);
    if (pace === undefined) return null;
    const until = askedForOnly ? pace.askedUntil : Math.max(pace.askedUntil, pace.restingUntil);
    return until > this.clock.now() ? until : null;
  }

  /** It has answered within the last 20 minutes, with a photo or with a final word. */
  answersLately(host: string): boolean {
    return (this.hosts.get(host)?.answeredAt ?? -Infinity) > this.clock.now() - LATELY_MS;
  }

  /** Asking it again costs seconds: nothing was answered since it took so long. */
  hangs(host: string): boolean {
    const pace = this.hosts.get(host);
    return pace !== undefined && pace.streak > 0 && pace.hangs;
  }

  /** What its last "not now" was. */
  reason(host: string): PhotoReason {
    return this.hosts.get(host)?.reason ?? 'host_busy';
  }

  /** A request begins. @returns its moment, for what comes of it */
  begin(host: string): number {
    this.touch(host).running++;
    return this.clock.now();
  }

  /** It was answered in whatever way will stay: the host is well. */
  answered(host: string): void {
    const pace = this.touch(host);
    pace.running = Math.max(0, pace.running - 1);
    pace.answeredAt = this.clock.now();
    pace.streak = 0;
    pace.restingUntil = 0;
    pace.limit = Math.min(MOST_AT_ONCE, pace.limit + 1 / pace.limit);
  }

  /** It ended without saying anything of its host: it was called off. */
  calledOff(host: string): void {
    const pace = this.touch(host);
    pace.running = Math.max(0, pace.running - 1);
  }

  /**
   * It was told "not now".
   * @param begun - from {@link begin}
   * @param word - how, and for how long it asked to be left alone
   * @returns true when the host rests from now on: whoever waits for it should look again
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
    // Those that ran side by side are one "not now": thirty-two of them must not halve five times.
    if (begun < pace.cutAt) return retryAfterMs > 0;
    pace.cutAt = now;
    pace.streak++;
    // Twice in a row without an answer between them: one request is enough to see whether it is back.
    pace.limit = pace.streak > 1 ? 1 : Math.max(1, Math.min(pace.limit, running) / 2);
    // Silence that took eight seconds is not worth asking for again after a quarter of one.
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
    };
    remember(this.hosts, host, pace, MAX_HOSTS);
    return pace;
  }
}
