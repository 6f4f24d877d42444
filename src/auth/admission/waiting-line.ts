import { remember } from '../../common/remember.js';

/** The shortest and the longest time, in milliseconds, after which a refused client is told to come back. */
const SOONEST_MS = 2000;
const LATEST_MS = 20_000;
/** A place is kept for this long after the time at which its owner should have come back. */
const KEPT_MS = 10_000;
/** Coming back earlier than told by more than this does not count. */
const EARLY_MS = 500;
const MAX_PLACES = 10_000;
/**
 * How many newcomers are remembered. Only clients that come back stand in the line, so that strangers who never return
 * delay no one.
 */
const MAX_NEWCOMERS = 10_000;

interface Place {
  /** Grows from the first place to the last. */
  readonly number: number;
  /** When its owner was told to come back. */
  comesBack: number;
}

/**
 * A line of clients that were refused because everything was taken. No request is kept open: each was answered and told
 * when to come back. A client that comes back is let in before those that came later. Pure: the caller passes the time.
 */
export class WaitingLine {
  /** In the order of the line. */
  private readonly places = new Map<string, Place>();
  private readonly newcomers = new Map<string, number>();
  private numbers = 0;
  /** Recent admissions, for an estimate of how fast the line moves. */
  private readonly pace = { since: 0, count: 0, perSecond: 1 };

  /**
   * @param free - places inside that nobody has taken
   * @returns null to let `who` in, else the milliseconds after which to come back
   */
  ask(who: string, free: number, now: number): number | null {
    if (this.isOpenTo(who, free, now)) {
      this.places.delete(who);
      this.newcomers.delete(who);
      this.letIn(now);
      return null;
    }
    return this.keepPlace(who, now);
  }

  /** Whether `who` would be let in just now. */
  isOpenTo(who: string, free: number, now: number): boolean {
    return free > 0 && !this.hasAhead(who, free, now);
  }

  private keepPlace(who: string, now: number): number {
    const place = this.places.get(who);
    if (place !== undefined) {
      if (now + EARLY_MS < place.comesBack) return place.comesBack - now;
      const wait = this.waitOf(place);
      place.comesBack = now + wait;
      return wait;
    }
    const due = this.newcomers.get(who);
    if (due === undefined) {
      remember(this.newcomers, who, now + SOONEST_MS, MAX_NEWCOMERS);
      return SOONEST_MS;
    }
    if (now + EARLY_MS < due) return due - now;
    if (now > due + KEPT_MS + LATEST_MS || this.places.size >= MAX_PLACES) {
      remember(this.newcomers, who, now + SOONEST_MS, MAX_NEWCOMERS);
      return SOONEST_MS;
    }
    this.newcomers.delete(who);
    const taken: Place = { number: ++this.numbers, comesBack: 0 };
    this.places.set(who, taken);
    const wait = this.waitOf(taken);
    taken.comesBack = now + wait;
    return wait;
  }

  /** True when `count` others stand before `who` and may still come back. Those whose time is over lose their place. */
  private hasAhead(who: string, count: number, now: number): boolean {
    let ahead = 0;
    for (const [other, place] of this.places) {
      if (other === who) return false;
      if (now > place.comesBack + KEPT_MS) this.places.delete(other);
      else if (++ahead >= count) return true;
    }
    return false;
  }

  private waitOf(place: Place): number {
    const [first] = this.places.values();
    const ahead = place.number - (first?.number ?? place.number);
    return Math.min(LATEST_MS, Math.max(SOONEST_MS, (ahead / this.pace.perSecond) * 1000));
  }

  private letIn(now: number): void {
    const { pace } = this;
    pace.count += 1;
    const elapsed = now - pace.since;
    if (elapsed < 1000) return;
    pace.perSecond = Math.max(1, (pace.count / elapsed) * 1000);
    pace.since = now;
    pace.count = 0;
  }
}
