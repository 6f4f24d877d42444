const SMALL_SHARD = 5000;
const LARGE_SHARD = 25_000;
/**
 * How many small shards a job may have. Beyond that its shards are large, or it would take too many rounds of batches.
 */
const MOST_SMALL_SHARDS = 6;

/** A range of positions, both ends included. */
export interface ShardRange {
  readonly first: number;
  readonly last: number;
}

/** What is needed of a new job to plan its shards. */
export interface ShardPlan {
  readonly jobId: string;
  readonly keyId: string;
  readonly totalLots: number;
  readonly visionModel: string;
}

/**
 * Cuts a job into ranges of 5,000 lots, so that early lots are translated while late ones are checked. Large jobs get
 * ranges of up to 25,000 lots, so that with two active batches per key each stage takes at most three rounds.
 */
export function shardRanges(totalLots: number): ShardRange[] {
  const count = Math.ceil(totalLots / SMALL_SHARD);
  const size =
    count <= MOST_SMALL_SHARDS ? SMALL_SHARD : Math.min(LARGE_SHARD, Math.ceil(totalLots / MOST_SMALL_SHARDS));
  const ranges: ShardRange[] = [];
  for (let first = 0; first < totalLots; first += size) {
    ranges.push({ first, last: Math.min(first + size, totalLots) - 1 });
  }
  return ranges;
}
