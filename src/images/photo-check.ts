import type { MissingPhoto, PhotoReason } from '../common/missing-photo.js';
import type { PhotoFile } from './photo-file.js';
import type { PhotoFailure } from './photo-reason.js';
import type { PhotoSize } from './photo-size.js';

/** What is known of one photo after its check. */
export type PhotoCheck =
  | {
      readonly reachable: true;
      /** Null where it cannot be told, undefined where nobody wanted to know. */
      readonly size?: PhotoSize | null;
      readonly file: PhotoFile;
    }
  | {
      readonly reachable: false;
      /** The result of the last try. */
      readonly failure: PhotoFailure;
      /** The same as clients may read it. */
      readonly reason: PhotoReason;
      /** True when the photo will stay missing; false when it may be there another time. */
      readonly final: boolean;
      /** AVIF or TIFF: we can send it ourselves if photos are carried. */
      readonly carriable?: true;
      /** What the last answer told of the file, where there was one. */
      readonly file?: PhotoFile;
    };

/** A photo that may still be found. */
export interface OpenPhoto extends MissingPhoto {
  /** The host has answered other requests lately and this refusal may be temporary, so a longer wait is worth it. */
  readonly hostAnswers: boolean;
}

/** The photos of one lot, in the lot's order; a URL that the lot names twice is one photo. */
export interface LotPhotos {
  readonly reachable: readonly string[];
  /**
   * The AVIF and TIFF photos among these, which we must send ourselves. None in a batch, whose lines carry no photos.
   */
  readonly carried: readonly string[];
  readonly missing: readonly MissingPhoto[];
  /** Of those reachable photos whose first bytes tell it. */
  readonly sizes: ReadonlyMap<string, PhotoSize>;
  /** Photos of a batch's lot that may still be found; in synchronous mode these count as missing. */
  readonly open: readonly OpenPhoto[];
  /** False when too many are missing (IMAGE_MAX_UNREACHABLE), or none is left. */
  readonly withinThreshold: boolean;
}

/**
 * Who waits: `sync` for a client that waits for its answer, `batch` for a job. Each has its own limits, so that no job
 * makes a client wait.
 */
export type PhotoLane = 'sync' | 'batch';

export interface LaneLimits {
  readonly total: number;
  readonly perHost: number;
}

export interface PhotoCheckOptions {
  readonly signal?: AbortSignal;
  /** `sync` by default. */
  readonly lane?: PhotoLane;
  /** Milliseconds since 1970 until which a host that answers "not now" is asked again; 15 s from now by default. */
  readonly until?: number;
  /** For a batch: milliseconds since 1970; a photo that was missing before is asked for again. */
  readonly since?: number;
  /** Whether the first bytes of a photo are to be read even if its HEAD leaves no doubt; never by default. */
  readonly look?: (url: string) => boolean;
  /**
   * For a client that asked for this very photo: its first bytes are read even from a host that shows them only together
   * with the whole file, which costs the connection.
   */
  readonly thorough?: boolean;
}
