import { isUuid } from '../common/ids.js';
import type { Database } from '../database/database.service.js';
import { JOB_COLUMNS, type JobRecord } from './job-columns.js';
import { visibleJob } from './job-reader.js';
import { MergedLookup } from './merged-lookup.js';

/** A job with all that its status shows, as of one moment. */
export interface JobState extends JobRecord {
  /** What it shows beside the job's own row: JSON text of an object with the members `batches`, `usage`, `deliveries` and `lotWebhooks`. */
  readonly details: string;
  /**
   * Another one whenever the status reads otherwise: the job's version, and a fingerprint of the details. Shards and
   * deliveries change without the job's row: a delivery is written after the job ended, and to raise the version with it
   * every sender would lock that one row.
   */
  readonly tag: string;
}

/** What other rooms keep of a job and its status shows: a JSON value each, in SQL, for the SQL of a job's id. */
export interface StatusParts {
  /** An array of the job's shards. */
  readonly batches: (jobId: string) => string;
  /** An object: the number of deliveries in each state. */
  readonly deliveries: (jobId: string) => string;
}

/**
 * Reads jobs with all that their status shows, in one statement and so from one snapshot, every part by an index on the
 * job. Nothing is kept between requests: a tag that is told as unchanged was looked up after it was asked for.
 */
export class JobStatusStore {
  // 50 clients that ask at once cost a statement or two, not 50.
  private readonly byId = new MergedLookup<JobState>((ids) => this.findMany(ids));
  private readonly details: string;

  /** @param parts - handed in by whoever knows their rooms */
  constructor(
    private readonly database: Database,
    parts: StatusParts,
  ) {
    this.details = detailsSql(parts);
  }

  /**
   * @param keyId - null lets any key's job through: only for LEGACY_UNSIGNED_READS
   * @throws ServiceError JOB_NOT_FOUND
   */
  async find(id: string, keyId: string | null): Promise<JobState> {
    return visibleJob(isUuid(id) ? await this.byId.get(id.toLowerCase()) : undefined, keyId);
  }

  /** The tags of many jobs in one statement; a job that is gone has none. */
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

/** Beside a row of batch_jobs; `offset 0` keeps the planner from working them out anew for each use. */
function detailsSql({ batches, deliveries }: StatusParts): string {
  return `cross join lateral (select json_build_object(
    'batches', ${batches('batch_jobs.id')},
    'usage', (select coalesce(json_agg(u order by u.stage desc, u.model), '[]') from (
      select stage, model, calls, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, cost_usd
      from job_usage where job_id = batch_jobs.id) u),
    'deliveries', ${deliveries('batch_jobs.id')},
    'lotWebhooks', exists (select 1 from batch_lot_inputs where job_id = batch_jobs.id and webhook is not null)
  )::text as details offset 0) d`;
}

const TAG = `version || '-' || left(encode(sha256(convert_to(details, 'UTF8')), 'hex'), 16) as tag`;
