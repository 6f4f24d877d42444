import type { Sql } from './database.service.js';
import type { Claim } from './claim.js';
import { keyIs } from './lease-table.js';

/** The row is, or may be, somebody else's: whatever was still to be written must not be. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError';

  constructor(table: string, reason: string) {
    super(`the lease on a row of ${table} is lost: ${reason}`);
  }
}

/**
 * Holds a claimed row for as long as work on it goes on: renews the lease every third of it, and aborts `signal` when
 * the row is no longer ours or, whatever PostgreSQL may answer later, when our own clock says that the lease is over.
 *
 * The signal only saves work. What keeps two holders apart is the fence: each update says `and lock_token = $mine`, and
 * each insert comes after {@link fence} in the same transaction.
 */
export class Lease {
  private readonly controller = new AbortController();
  private heldUntil: number;
  private renewal: NodeJS.Timeout | undefined;
  private expiry: NodeJS.Timeout | undefined;
  private ended = false;

  constructor(
    private readonly sql: Sql,
    private readonly claim: Pick<Claim<never>, 'table' | 'key' | 'token' | 'leaseSeconds' | 'heldUntil'>,
  ) {
    this.heldUntil = claim.heldUntil;
    this.schedule();
  }

  get token(): string {
    return this.claim.token;
  }

  /** Aborts with a {@link LeaseLostError}; to be passed on to everything that takes long. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /**
   * To be called right before anything that cannot be taken back. Looks at the clock itself, because after a long pause
   * of the process (suspended, swapped out) the timers come late.
   * @throws LeaseLostError
   */
  assertHeld(): void {
    this.signal.throwIfAborted();
    if (performance.now() < this.heldUntil) return;
    this.lose('its time is over');
    throw new LeaseLostError(this.claim.table.name, 'its time is over');
  }

  /**
   * Locks the row until the transaction ends, so that nobody can claim it before what follows is committed.
   * @param tx - a running transaction
   * @throws LeaseLostError when it is no longer ours
   */
  async fence(tx: Sql): Promise<void> {
    const { table, key, token } = this.claim;
    const rows = await tx.query(
      `select 1 from ${table.name} where ${keyIs(table, 2)} and ${table.token} = $1 for update`,
      [token, ...key],
    );
    if (rows.length > 0) return;
    this.lose('another holder has it');
    throw new LeaseLostError(table.name, 'another holder has it');
  }

  /** Ends the renewing and leaves the row as it is: for work that has written its end itself, or wants the lease to run out. */
  stop(): void {
    this.ended = true;
    clearTimeout(this.renewal);
    clearTimeout(this.expiry);
  }

  /**
   * Hands the row back, for anyone to claim after `delaySeconds`.
   * @returns false when it was no longer ours
   */
  async release(delaySeconds = 0): Promise<boolean> {
    this.stop();
    const { table, key, token } = this.claim;
    const until = table.freeWhenNull && delaySeconds === 0 ? 'null' : 'clock_timestamp() + make_interval(secs => $2)';
    const delay = until === 'null' ? [] : [delaySeconds];
    const touched = await this.sql.execute(
      `update ${table.name} set ${table.until} = ${until}, ${table.token} = null
        where ${table.token} = $1 and ${keyIs(table, 2 + delay.length)}`,
      [token, ...delay, ...key],
    );
    return touched > 0;
  }

  private schedule(): void {
    clearTimeout(this.expiry);
    const left = this.heldUntil - performance.now();
    this.expiry = setTimeout(() => this.lose('its time is over'), Math.max(0, left));
    this.renewal = setTimeout(() => void this.renew(), (this.claim.leaseSeconds * 1000) / 3);
    // A process that has nothing else to do may end; the lease then runs out.
    this.expiry.unref();
    this.renewal.unref();
  }

  private async renew(): Promise<void> {
    const { table, key, token, leaseSeconds } = this.claim;
    const sentAt = performance.now();
    try {
      const touched = await this.sql.execute(
        `update ${table.name} set ${table.until} = clock_timestamp() + make_interval(secs => $2)
          where ${table.token} = $1 and ${keyIs(table, 3)}`,
        [token, leaseSeconds, ...key],
      );
      if (this.ended) return;
      if (touched === 0) {
        this.lose('another holder has it');
        return;
      }
      this.heldUntil = sentAt + leaseSeconds * 1000;
    } catch {
      // The database is away: nobody else can claim the row meanwhile, and the expiry stands if it does not come back.
      if (this.ended) return;
    }
    clearTimeout(this.renewal);
    this.schedule();
  }

  private lose(reason: string): void {
    if (this.ended) return;
    this.stop();
    this.controller.abort(new LeaseLostError(this.claim.table.name, reason));
  }
}
