import type { ShardClaim } from '../shards/shard-store.js';

/** Failures in a row that no stage foresees, after which it gives the shard up: with their growing waits 2.5 minutes. */
export const MOST_FAILURES = 5;

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
  /** What becomes of a shard on which the stage failed again and again by what it does not foresee; lets go of it. */
  giveUp(claim: ShardClaim): Promise<void>;
}
