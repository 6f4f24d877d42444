import type { Transaction } from '../../database/database.service.js';

const SMALL_SHARD = 5000;
const LARGE_SHARD = 25_000;
/** Shards of the small size that a job may have before it gets the large one: more cost too many rounds of batches. */
const MOST_SMALL_SHARDS = 6;

/** A range of positions, both ends included. */
export interface ShardRange {
  readonly first: number;
  readonly last: number;
}

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

/** Inserts the vision ranges of a new job, in its intake's transaction. */
export async function planShards(tx: Transaction, plan: ShardPlan): Promise<void> {
  const ranges = shardRanges(plan.totalLots);
  await tx.execute(
    `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status,
       photos_position, next_check_at, created_at)
     select $1, 'vision', r.first, 0, r.last, $2, $3, 'checking_photos', r.first, now(), now()
     from unnest($4::int[], $5::int[]) as r (first, last)`,
    [plan.jobId, plan.keyId, plan.visionModel, ranges.map((range) => range.first), ranges.map((range) => range.last)],
  );
}
