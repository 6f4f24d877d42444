import type { ShardClaim } from '../shards/shard-store.js';

/** Unexpected failures in a row after which a stage gives the shard up; with the growing waits this is 2.5 minutes. */
export const MOST_FAILURES = 5;

/** One stage of a batch: work on a claimed shard that may run twice and may be killed at any line without harm. */
export interface Stage {
  readonly name: string;
  /** How many shards one process works on side by side. */
  readonly atOnce: number;
  claim(limit: number): Promise<ShardClaim[]>;
  /**
   * Works on a claimed shard as far as possible and then releases the claim.
   * @param signal - aborts when the lease is lost or the process stops
   */
  run(claim: ShardClaim, signal: AbortSignal): Promise<void>;
  /** Handles a shard on which the stage failed too often in unexpected ways, and releases the claim. */
  giveUp(claim: ShardClaim): Promise<void>;
}
