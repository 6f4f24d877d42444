import { listenFreely } from '../common/abort-signals.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import type { JobOptions } from '../jobs/batch-job.entity.js';
import type { CompletedJob } from '../jobs/job-columns.js';
import type { LotRecord } from '../jobs/lot-result.js';
import type { StoredAnswer, SyncLot } from '../jobs/sync-job.js';
import type { ServiceError } from '../common/service-error.js';

/** The one lot of a synchronous job on its way through the pipeline. */
export interface SyncWork {
  readonly jobId: string;
  /** Null for a job that was taken over. */
  readonly keyId: string | null;
  readonly token: string;
  readonly languages: readonly string[];
  readonly options: JobOptions;
  readonly lot: SyncLot;
  /** What an earlier process committed: if it has a source, the vision model is not asked again. */
  readonly resumed?: { readonly source: StoredAnswer | null; readonly missing: readonly MissingPhoto[] };
}

/** How a run ended, in agreement with the job's row. */
export type SyncOutcome =
  /** With the lot as it was written; null where some of it was stored before, and is to be read. */
  | { readonly kind: 'completed'; readonly job: CompletedJob; readonly lot: LotRecord | null }
  | { readonly kind: 'failed'; readonly error: ServiceError }
  | { readonly kind: 'cancelled' }
  /** Another process holds the job now, or it was cancelled: the job's row says how it stands. */
  | { readonly kind: 'lost' };

/** Stops a run because its client has disconnected. */
export class HungUpError extends Error {
  constructor() {
    super('the client hung up');
    this.name = 'HungUpError';
  }
}

/** Stops a run because the process is ending; the job goes on in another process. */
class GivenBackError extends Error {
  constructor() {
    super('the process is shutting down');
    this.name = 'GivenBackError';
  }
}

/** One synchronous job while this process works on it. The work does not depend on the request's connection. */
export class SyncRun {
  private readonly controller = new AbortController();
  /** True once the vision answer is here: from then on a disconnect changes nothing. */
  answered = false;

  constructor(
    readonly work: SyncWork,
    leaseSignal: AbortSignal,
  ) {
    this.signal = AbortSignal.any([this.controller.signal, leaseSignal]);
    listenFreely(this.signal);
  }

  readonly signal: AbortSignal;
  outcome: Promise<SyncOutcome>;

  /** Stops the call, because the client is gone and the job is cancelled. */
  hangUp(): void {
    this.controller.abort(new HungUpError());
  }

  /** Stops the work and leaves the job as it is, because the process is ending. */
  giveBack(): void {
    this.controller.abort(new GivenBackError());
  }
}
