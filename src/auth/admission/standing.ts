import { remember } from '../../common/remember.js';
import { CLAIMS, claimKey, type Claimant } from './claimant.js';

/** What is remembered of addresses, for good ones and for bad ones: whoever comes from more of them forgets the oldest. */
const MAX_REMEMBERED = 10_000;

/** The longest that an address waits for what it did: a client behind the same proxy must get in within minutes. */
const MAX_REST_MS = 30_000;
const FIRST_REST_MS = 2000;

interface Strikes {
  readonly count: number;
  readonly until: number;
}

/** Whose last request was rightly signed, and whose uploads came to nothing. */
export class Standing {
  private readonly good = new Map<string, true>();
  private readonly strikes = new Map<string, Strikes>();

  /** Whether the last that is known of the claimant is a right signature. */
  isGood({ key }: Claimant): boolean {
    return this.good.has(key);
  }

  /** A right signature vouches for all that its address sends, until some of it turns out otherwise. */
  proved(address: string): void {
    for (const claim of CLAIMS) {
      const key = claimKey(address, claim);
      this.strikes.delete(key);
      remember(this.good, key, true, MAX_REMEMBERED);
    }
  }

  /** An upload was cut, or read for nothing. */
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
