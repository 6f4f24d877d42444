import type { Sql } from './database.service.js';
import type { Claim } from './claim.js';
import { keyIs } from './lease-table.js';

/** Another process holds the row now, or may hold it. Nothing more may be written to the row. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError';

  /** @param rows - the kind of row, or its table, for the error's message */
  constructor(rows: string, reason: string) {
    super(`a lease of ${rows} is lost: ${reason}`);
  }
}

/**
 * A lease by this process's own clock. `signal` aborts when the lease is reported as lost. It also aborts when the
 * lease was not extended in time, even if PostgreSQL answers later.
 *
 * The signal only saves work. Two holders are kept apart by the fence: each write names the row's token.
 */
export class HeldLease {
  private readonly controller = new AbortController();
  private expiry: NodeJS.Timeout | undefined;
  private over = false;
  private late = false;

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

  /** Aborts with a {@link LeaseLostError}; pass it on to everything that takes long. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** True once the lease was lost or {@link stop} was called. */
  get ended(): boolean {
    return this.over;
  }

  /** True when its time ran out before it was extended, as in a process that stalls. */
  get ranOut(): boolean {
    return this.late;
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

  /** Waits until the end of the lease as it is known now. By then most leases have been extended, so it looks again. */
  private watch(): void {
    const left = this.heldUntil - performance.now();
    this.expiry = setTimeout(
      () => {
        if (performance.now() < this.heldUntil) return this.watch();
        this.late = true;
        this.lose('its time is over');
      },
      Math.max(0, left),
    );
    // The timer must not keep the process alive. When the process ends, the lease runs out.
    this.expiry.unref();
  }
}

/** Holds one claimed row while the work on it goes on. It renews the lease after each third of its time. */
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

  /** Aborts with a {@link LeaseLostError} when this process no longer holds the row. */
  get signal(): AbortSignal {
    return this.held.signal;
  }

  /**
   * Stops renewing and leaves the row as it is, when the work has already written its end, or when the lease shall run
   * out.
   */
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
      // While the database is away, no other process can claim the row either. If it stays away, the timer ends the
      // lease.
    }
    if (!this.held.ended) this.schedule();
  }
}
