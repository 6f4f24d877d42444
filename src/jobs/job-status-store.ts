import { isUuid } from '../common/ids.js';
import type { Database } from '../database/database.service.js';
import { JOB_COLUMNS, type JobRecord } from './job-columns.js';
import { visibleJob } from './job-reader.js';
import { MergedLookup } from './merged-lookup.js';

/** A job with everything that its status shows, all read at the same moment. */
export interface JobState extends JobRecord {
  /**
   * JSON text of an object with what is not in the job's own row: `batches`, `usage`, `deliveries` and `retries`.
   */
  readonly details: string;
  /**
   * Changes whenever the status changes: the job's version and a fingerprint of the details. Shards and deliveries
   * change without the job's row. If each delivery raised the version too, all senders would lock that one row.
   */
  readonly tag: string;
}

/** SQL of the parts of a status that other rooms store. Each takes the SQL of a job's id and gives a JSON value. */
export interface StatusParts {
  /** A JSON array of the job's shards. */
  readonly batches: (jobId: string) => string;
  /** A JSON object with the number of deliveries in each state. */
  readonly deliveries: (jobId: string) => string;
}

/**
 * Reads jobs with everything that their status shows, in one statement and so from one snapshot. Each part uses an
 * index on the job. Nothing is cached between requests: a tag is always looked up after the request for it came.
 */
export class JobStatusStore {
  // 50 clients that ask at once cost one or two statements, not 50.
  private readonly byId = new MergedLookup<JobState>((ids) => this.findMany(ids));
  private readonly details: string;

  /** @param parts - SQL handed in by the module that may import the rooms that store these parts */
  constructor(
    private readonly database: Database,
    parts: StatusParts,
  ) {
    this.details = detailsSql(parts);
  }

  /**
   * @param keyId - null finds any key's job; only for LEGACY_UNSIGNED_READS
   * @throws ServiceError JOB_NOT_FOUND
   */
  async find(id: string, keyId: string | null): Promise<JobState> {
    return visibleJob(isUuid(id) ? await this.byId.get(id.toLowerCase()) : undefined, keyId);
  }

  /** The tags of many jobs by id, read in one statement; jobs that are gone are missing. */
  async tags(ids: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.database.query<{ id: string; tag: string }>(
      `select id, ${TAG} from batch_jobs ${this.details} where id = any($1::uuid[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, row.tag]));
  }

  private async findMany(ids: string[]): Promise<Map<string, JobState>> {
    const rows = await this.database.query<JobState>(
      `select ${JOB_COLUMNS}, details, ${TAG} from batch_jobs ${this.details} where id = any($1::uuid[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }
}

/** A status names this many retries, the latest first; there is no limit to how many a job may have. */
const MOST_RETRIES = 20;

/** SQL to join to a row of batch_jobs. `offset 0` keeps the planner from computing the details again for each use. */
function detailsSql({ batches, deliveries }: StatusParts): string {
  return `cross join lateral (select json_build_object(
    'batches', ${batches('batch_jobs.id')},
    'usage', (select coalesce(json_agg(u order by u.stage desc, u.model), '[]') from (
      select stage, model, calls, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, cost_usd
      from job_usage where job_id = batch_jobs.id) u),
    'deliveries', ${deliveries('batch_jobs.id')},
    'retries', (select coalesce(json_agg(r.id order by r.id desc), '[]') from (
      select id from batch_jobs of_this where of_this.retry_of = batch_jobs.id and of_this.key_id = batch_jobs.key_id
      order by id desc limit ${MOST_RETRIES}) r)
  )::text as details offset 0) d`;
}

const TAG = `version || '-' || left(encode(sha256(convert_to(details, 'UTF8')), 'hex'), 16) as tag`;
