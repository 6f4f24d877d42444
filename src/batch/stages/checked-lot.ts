import type { MissingPhoto } from '../../common/missing-photo.js';
import { unreachablePhotos } from '../../describe/lot-error.js';
import type { CheckedLot, FailedLot, UncheckedLot, WaitingLot } from '../../jobs/lot-store.js';
import type { CountedPhotos } from '../../jobs/photo-averages-store.js';
import { INTERNAL_ERROR } from '../lines/unforeseen.js';
import type { PhotoSample } from './photo-sample.js';

type NotReady = { kind: 'failed'; lot: FailedLot } | { kind: 'waits'; lot: WaitingLot; news: boolean };

/** A lot right after its check; what photos that nobody looked at take is only known at the end of its chunk. */
export type Looked = { kind: 'ready'; lot: Omit<CheckedLot, 'photoTokens'>; known: CountedPhotos } | NotReady;

/** A lot as it is committed. */
export type Checked = { kind: 'ready'; lot: CheckedLot } | NotReady;

/** How long the lots of a pass have waited for photo hosts. */
export interface Wait {
  readonly late: number;
  /** Milliseconds since the lots were first put off; 0 when they were not. */
  readonly waitedMs: number;
  /** The earliest time at which a host of the waiting lots may be asked again, in milliseconds since 1970. */
  nextAt: number;
}

/** One pass through a range. */
export interface Pass extends Wait {
  /** Until when hosts that say "not now" are asked again, in milliseconds since 1970. */
  readonly until: number;
  /** When the job was made, in milliseconds since 1970: what was missing before may have been corrected. */
  readonly since: number;
  readonly sample: PhotoSample;
}

/** The pass of a range that is given up: none of its lots waits any more. */
export const GIVEN_UP: Wait = { late: 0, waitedMs: 0, nextAt: Infinity };

export function withTokens(looked: Looked, sample: PhotoSample): Checked {
  if (looked.kind !== 'ready') return looked;
  const { lot, known } = looked;
  return { kind: 'ready', lot: { ...lot, photoTokens: sample.tokensOf(lot.reachable, known) } };
}

export function unreachable(
  { position, images }: UncheckedLot,
  missing: readonly MissingPhoto[],
): Looked & { kind: 'failed' } {
  const error = unreachablePhotos(missing, images.length).toStored();
  return { kind: 'failed', lot: { position, error, missingImages: missing } };
}

export function failedByUs(position: number): Looked & { kind: 'failed' } {
  return { kind: 'failed', lot: { position, error: INTERNAL_ERROR, missingImages: [] } };
}
