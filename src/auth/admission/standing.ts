import { remember } from '../../common/remember.js';
import { CLAIMS, claimKey, type Claimant } from './claimant.js';

/** How many addresses are remembered, of good and of bad ones each; beyond it the oldest is forgotten. */
const MAX_REMEMBERED = 10_000;

/** The longest that an address has to wait. A client behind the same proxy must get in within minutes. */
const MAX_REST_MS = 30_000;
const FIRST_REST_MS = 2000;

interface Strikes {
  readonly count: number;
  readonly until: number;
}

/** Remembers which claimants' last request was correctly signed and which ones' uploads failed. */
export class Standing {
  private readonly good = new Map<string, true>();
  private readonly strikes = new Map<string, Strikes>();

  /** Whether the last thing known about the claimant is a correct signature. */
  isGood({ key }: Claimant): boolean {
    return this.good.has(key);
  }

  /** A correct signature counts for everything that its address sends, until one of its uploads fails. */
  proved(address: string): void {
    for (const claim of CLAIMS) {
      const key = claimKey(address, claim);
      this.strikes.delete(key);
      remember(this.good, key, true, MAX_REMEMBERED);
    }
  }

  /** An upload was cut off, or its content or signature was wrong. */
  failed({ key }: Claimant, now: number): void {
    this.good.delete(key);
    const count = (this.strikes.get(key)?.count ?? 0) + 1;
    const rest = Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** Math.min(count - 1, 10));
    remember(this.strikes, key, { count, until: now + rest }, MAX_REMEMBERED);
  }

  /** Milliseconds that the claimant is to stay away while others wait; 0: none. */
  restOf({ key }: Claimant, now: number): number {
    return Math.max(0, (this.strikes.get(key)?.until ?? 0) - now);
  }
}
