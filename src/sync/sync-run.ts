import { listenFreely } from '../common/abort-signals.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import type { JobOptions } from '../jobs/batch-job.entity.js';
import type { StoredSource, SyncLot } from '../jobs/sync-job-store.js';
import type { ServiceError } from '../common/service-error.js';

/** The one lot of a synchronous job on its way through the pipeline. */
export interface SyncWork {
  readonly jobId: string;
  readonly token: string;
  readonly languages: readonly string[];
  readonly options: JobOptions;
  readonly lot: SyncLot;
  /** What an earlier process had committed: with a source the model is not asked again. */
  readonly resumed?: { readonly source: StoredSource | null; readonly missing: readonly MissingPhoto[] };
}

/** How a run ended; the job's row says the same. */
export type SyncOutcome =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly error: ServiceError }
  | { readonly kind: 'cancelled' }
  /** Another process holds the job now, or somebody ended it: its row has the truth. */
  | { readonly kind: 'lost' };

/** Why a run is stopped from outside. */
export class HungUpError extends Error {
  constructor() {
    super('the client hung up');
    this.name = 'HungUpError';
  }
}

/** The process is ending; the job goes on elsewhere. */
class GivenBackError extends Error {
  constructor() {
    super('the process is shutting down');
    this.name = 'GivenBackError';
  }
}

/** One synchronous job while this process works on it. The work goes on whatever becomes of the request. */
export class SyncRun {
  private readonly controller = new AbortController();
  /** True once the vision answer is here: from then on a hang-up changes nothing. */
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

  /** The client is gone and the job is cancelled: stop the call. */
  hangUp(): void {
    this.controller.abort(new HungUpError());
  }

  /** The process is ending: stop and leave the job as it is. */
  giveBack(): void {
    this.controller.abort(new GivenBackError());
  }
}
