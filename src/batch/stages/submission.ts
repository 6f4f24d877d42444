import type { RequestFileName } from '../shards/shard-file-store.js';
import type { ShardRow } from '../shards/shard-store.js';
import type { ModelStage } from '../../jobs/states.js';

/**
 * Identifies one submission of a shard. It goes into the batch's metadata, so that the batch can be found again by it.
 */
export function submissionKey(row: ShardRow): string {
  return `${sameLotsPrefix(row)}${row.submission}`;
}

/** What the keys of all submissions of the same try of the same lots begin with. */
export function sameLotsPrefix(row: ShardRow): string {
  return `${row.job_id}:${row.stage}:${row.first_position}:${row.attempt}:`;
}

export function metadataOf(row: ShardRow, key: string): Record<string, string> {
  return { app: 'generation-service', key, job: row.job_id, stage: row.stage };
}

/** The name of the file that a submission uploads. It says whose file it is, even if nothing of it was committed. */
export function requestFileName(key: string): string {
  return `${key.replaceAll(':', '-')}.jsonl`;
}

const REQUEST_FILE =
  /^([\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})-(vision|translation)-(\d{1,9})-(\d{1,5})-(\d{1,5})\.jsonl$/;

/** The submission that this file belongs to, or undefined when its name is not one of ours. */
export function parseRequestFileName(name: string | undefined): RequestFileName | undefined {
  const parts = REQUEST_FILE.exec(name ?? '');
  if (parts === null) return undefined;
  const [, jobId = '', stage, first, attempt, submission] = parts;
  return {
    jobId,
    stage: stage as ModelStage,
    first: Number(first),
    attempt: Number(attempt),
    submission: Number(submission),
  };
}
