import type { MissingPhoto } from '../common/missing-photo.js';
import type { JobOptions, StoredError } from './batch-job.entity.js';
import type { UsageRow } from './job-store.js';
import type { StoredResult } from './new-result.js';

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
  /**
   * What its lot says and its own row does not: the two were written by one transaction, of which the job's part was lost. Null when
   * they agree.
   */
  readonly ahead: LotAhead | null;
}

/** A lot that is further on its way than its job's row. */
export interface LotAhead {
  readonly status: 'translating' | 'completed' | 'failed';
  /** Why it failed. */
  readonly error: StoredError | null;
  /** When it ended, in JSON's text, which is more precise than a Date. */
  readonly finishedAt: string | null;
  /** How many photos the model was shown. */
  readonly seen: number;
  /** What the stored answer cost; null when none is stored. */
  readonly usage: UsageRow | null;
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

/** A described lot, as it is written with its job's end. */
export interface CompletedLot {
  readonly results: readonly StoredResult[];
  /** Null when they were stored before. */
  readonly photos: SeenPhotos | null;
  /** Its estimated size in results and webhooks. */
  readonly renderedBytes: number;
  /** What no transaction has counted yet. */
  readonly usage: readonly UsageRow[];
  /** The stored English row's assessment, written anew; null where it stays as it is. */
  readonly assessment: unknown;
}

/** How many photos of a lot the model saw, and which are missing. */
export interface SeenPhotos {
  /** The number of photos that the model was shown. */
  readonly seen: number;
  readonly missing: readonly MissingPhoto[];
}
