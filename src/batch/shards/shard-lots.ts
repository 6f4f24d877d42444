import type { ShardLots } from '../../jobs/lot-store.js';
import type { ShardRow } from './shard-store.js';

export function shardLots(row: ShardRow): ShardLots {
  return {
    jobId: row.job_id,
    stage: row.stage,
    first: row.first_position,
    last: row.last_position,
    attempt: row.attempt,
  };
}
