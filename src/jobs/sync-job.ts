import type { MissingPhoto } from '../common/missing-photo.js';
import type { JobOptions } from './batch-job.entity.js';

/** The one lot of a synchronous job. */
export interface SyncLot {
  readonly lotId: string;
  readonly additionalInfo: string | null;
  readonly images: readonly string[];
  readonly webhook: string | null;
}

/** A synchronous job that is taken over, because its process died or gave it back. */
export interface ClaimedSyncJob {
  readonly id: string;
  /** The lease's token, which each write must name. */
  readonly token: string;
  readonly languages: readonly string[];
  readonly options: JobOptions;
  readonly handedOver: boolean;
  /** How often a process held the job and did not end it; processes that gave it back are not counted. */
  readonly takeovers: number;
  readonly lot: SyncLot;
  readonly missingImages: readonly MissingPhoto[];
  /** The stored vision answer; null when the model has not been asked yet. */
  readonly source: StoredAnswer | null;
}

/** The stored English row of a lot, from which translations are made. */
export interface StoredSource {
  readonly strings: unknown;
  readonly assessment: unknown;
  readonly model: string;
}

/** The same, with what the model answered and whether a person should look at it. */
export interface StoredAnswer extends StoredSource {
  readonly needsReview: unknown;
  readonly raw: unknown;
}

/** A job and the token of the lease under which this process works on it. */
export interface HeldSyncJob {
  readonly id: string;
  readonly token: string;
}

/** How many photos of a lot the model saw, and which are missing. */
export interface SeenPhotos {
  /** The number of photos that the model was shown. */
  readonly seen: number;
  readonly missing: readonly MissingPhoto[];
}
