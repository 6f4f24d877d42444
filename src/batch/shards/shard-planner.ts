const SMALL_SHARD = 5000;
const LARGE_SHARD = 25_000;
/** Shards of the small size that a job may have before it gets the large one: more cost too many rounds of batches. */
const MOST_SMALL_SHARDS = 6;

/** A range of positions, both ends included. */
export interface ShardRange {
  readonly first: number;
  readonly last: number;
}

/** A new job, as its ranges are planned. */
export interface ShardPlan {
  readonly jobId: string;
  readonly keyId: string;
  readonly totalLots: number;
  readonly visionModel: string;
}

/**
 * Cuts a job into ranges: 5,000 lots, so that early ones are translated while late ones are checked, and up to 25,000 for
 * large jobs, so that two active batches a key cost at most three rounds a stage.
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
