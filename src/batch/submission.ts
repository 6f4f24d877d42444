import type { ShardRow } from '../jobs/shard-store.js';

/** What tells one try to send a shard from every other: it goes into the batch's metadata and finds the batch again. */
export function submissionKey(row: ShardRow): string {
  return `${row.job_id}:${row.stage}:${row.first_position}:${row.attempt}:${row.submission}`;
}

export function metadataOf(row: ShardRow, key: string): Record<string, string> {
  return { app: 'generation-service', key, job: row.job_id, stage: row.stage };
}
