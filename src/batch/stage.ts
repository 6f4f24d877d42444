import type { ShardClaim } from '../jobs/shard-store.js';

/** One stage of a batch: a function on a claimed row, safe to run twice and to be killed at any line. */
export interface Stage {
  readonly name: string;
  /** How many rows one process works on side by side. */
  readonly atOnce: number;
  claim(limit: number): Promise<ShardClaim[]>;
  /**
   * Takes a claimed shard as far as it goes and lets go of it.
   * @param signal - aborts when the lease is lost or the process stops
   */
  run(claim: ShardClaim, signal: AbortSignal): Promise<void>;
}
