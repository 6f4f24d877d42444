import type { Sql } from './database.service.js';
import type { Claim } from './claim.js';
import { keyIs } from './lease-table.js';

/** Another process holds the row now, or may hold it. Nothing more may be written. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError';

  /** @param rows - the kind of row, or its table, for the error's message */
  constructor(rows: string, reason: string) {
    super(`a lease of ${rows} is lost: ${reason}`);
  }
}

/**
 * A lease by this process's own clock. `signal` aborts when the lease is reported as lost, and also when it has not been
 * extended in time, whatever PostgreSQL answers later.
 *
 * The signal only saves work. What keeps two holders apart is the fence: each write names the row's token.
 */
export class HeldLease {
  private readonly controller = new AbortController();
  private expiry: NodeJS.Timeout | undefined;
  private over = false;

  /**
   * @param rows - for the error
   * @param heldUntil - milliseconds of `performance.now()`, counted from before the statement that granted it
   */
  constructor(
    private readonly rows: string,
    private heldUntil: number,
  ) {
    this.watch();
  }

  /** Aborts with a {@link LeaseLostError}; to be passed on to everything that takes long. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** True once it was lost or let go. */
  get ended(): boolean {
    return this.over;
  }

  extend(heldUntil: number): void {
    this.heldUntil = heldUntil;
  }

  lose(reason: string): void {
    if (this.over) return;
    this.stop();
    this.controller.abort(new LeaseLostError(this.rows, reason));
  }

  /** Stops the timer; the signal stays as it is. */
  stop(): void {
    this.over = true;
    clearTimeout(this.expiry);
  }

  /** Looks again at the end that was known when it last looked: most leases have been extended by then. */
  private watch(): void {
    const left = this.heldUntil - performance.now();
    this.expiry = setTimeout(
      () => {
        if (performance.now() < this.heldUntil) this.watch();
        else this.lose('its time is over');
      },
      Math.max(0, left),
    );
    // A process that has nothing else to do may end; the lease then runs out.
    this.expiry.unref();
  }
}

/** Holds one claimed row for as long as work on it goes on: renews its lease every third of it. */
export class Lease {
  private readonly held: HeldLease;
  private renewal: NodeJS.Timeout | undefined;

  constructor(
    private readonly sql: Sql,
    private readonly claim: Pick<Claim<never>, 'table' | 'key' | 'token' | 'leaseSeconds' | 'heldUntil'>,
  ) {
    this.held = new HeldLease(claim.table.name, claim.heldUntil);
    this.schedule();
  }

  /** Aborts with a {@link LeaseLostError} when the row is no longer ours. */
  get signal(): AbortSignal {
    return this.held.signal;
  }

  /** Ends the renewing and leaves the row as it is: for work that has written its end itself, or wants the lease to run out. */
  stop(): void {
    this.held.stop();
    clearTimeout(this.renewal);
  }

  private schedule(): void {
    this.renewal = setTimeout(() => void this.renew(), (this.claim.leaseSeconds * 1000) / 3);
    this.renewal.unref();
  }

  private async renew(): Promise<void> {
    const { table, key, token, leaseSeconds } = this.claim;
    const sentAt = performance.now();
    try {
      const touched = await this.sql.execute(
        `update ${table.name} set ${table.until} = clock_timestamp() + make_interval(secs => $2)
          where lock_token = $1 and ${keyIs(table, 3)}`,
        [token, leaseSeconds, ...key],
      );
      if (touched === 0) this.held.lose('another holder has it');
      else this.held.extend(sentAt + leaseSeconds * 1000);
    } catch {
      // The database is away: nobody else can claim the row meanwhile, and the expiry stands if it does not come back.
    }
    if (!this.held.ended) this.schedule();
  }
}
