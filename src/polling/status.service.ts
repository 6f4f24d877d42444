import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { AppConfig } from '../config/app-config.js';
import { APP_CONFIG } from '../config/app-config.js';
import { retryAfterSeconds } from '../jobs/job-progress.js';
import { JobReader, type JobRecord } from '../jobs/job-reader.js';
import { isTerminal } from '../jobs/states.js';
import { jobEtag, matchesEtag } from './conditional.js';
import { JobWatcher } from './job-watcher.js';
import { statusBody } from './status-body.js';
import { StatusDetailsReader } from './status-details-reader.js';

export interface StatusRequest {
  readonly jobId: string;
  /** null: an unsigned read that the settings let through. */
  readonly keyId: string | null;
  readonly ifNoneMatch: string | undefined;
  /** Long poll; 0: answer at once. */
  readonly waitSeconds: number;
  /** Aborts when the client hangs up. */
  readonly signal: AbortSignal;
}

export interface StatusAnswer {
  readonly etag: string;
  /** JSON text; null when the client has this version already. */
  readonly body: string | null;
  /** A hint for the next request; null once the job has ended. */
  readonly retryAfterSeconds: number | null;
}

/** How long a rendered status may be shown again: what does not raise the job's version shows after this at the latest. */
const REUSE_MS = 1000;
const MAX_RENDERED = 1000;

/** Where a job stands: at once, or at its next change. */
@Injectable()
export class StatusService {
  // Without it a job that 50 clients poll costs two statements a request instead of a share of one.
  private readonly rendered = new Map<string, { readonly text: Promise<string>; readonly until: number }>();

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly jobs: JobReader,
    private readonly details: StatusDetailsReader,
    private readonly watcher: JobWatcher,
    private readonly clock: Clock,
  ) {}

  /** @throws ServiceError JOB_NOT_FOUND */
  async read(request: StatusRequest): Promise<StatusAnswer> {
    let job = await this.jobs.find(request.jobId, request.keyId);
    const known = request.ifNoneMatch;
    if (
      request.waitSeconds > 0 &&
      !isTerminal(job.status) &&
      (known === undefined || matchesEtag(known, jobEtag(job)))
    ) {
      const limits = { timeoutMs: request.waitSeconds * 1000, signal: request.signal };
      if (await this.watcher.waitForChange(job.id, job.version, limits)) {
        job = await this.jobs.find(request.jobId, request.keyId);
      }
    }
    const etag = jobEtag(job);
    return {
      etag,
      body: matchesEtag(known, etag) ? null : await this.render(job),
      retryAfterSeconds: isTerminal(job.status) ? null : retryAfterSeconds(job, this.clock.now()),
    };
  }

  /** The status as JSON text on one line. */
  render(job: JobRecord): Promise<string> {
    const key = jobEtag(job);
    const now = this.clock.now();
    const reusable = this.rendered.get(key);
    if (reusable !== undefined && now < reusable.until) return reusable.text;
    const limits = { syncTimeoutSeconds: this.config.sync.timeoutSeconds };
    const text = this.details.read(job.id).then((details) => JSON.stringify(statusBody(job, details, limits)));
    this.rendered.delete(key);
    this.rendered.set(key, { text, until: now + REUSE_MS });
    text.catch(() => this.rendered.delete(key));
    const oldest = this.rendered.keys().next();
    if (this.rendered.size > MAX_RENDERED && oldest.done !== true) this.rendered.delete(oldest.value);
    return text;
  }
}
