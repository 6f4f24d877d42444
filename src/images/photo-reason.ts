import type { PhotoReason } from '../common/missing-photo.js';
import type { OutboundErrorKind } from '../outbound/outbound-error.js';
import type { PhotoFault } from './photo-answer.js';

/** Why a photo is not there: the guard's or the network's word, or what its answer falls short of. */
export type PhotoFailure = OutboundErrorKind | PhotoFault | 'host_rests';

/** @param status - of the answer, where there was one */
export function reasonFor(failure: PhotoFailure, status: number | null): PhotoReason {
  switch (failure) {
    case 'status':
      if (status === 404 || status === 410) return 'not_found';
      return status === 429 || (status !== null && status >= 500) ? 'host_busy' : 'refused';
    // A forbidden address reads like a name that does not exist: the difference would map our network.
    case 'refused':
    case 'dns':
      return 'dns';
    case 'connect':
    case 'tls':
    case 'timeout':
    case 'reset':
    case 'aborted':
    case 'cut_off':
      return 'timeout';
    case 'redirect':
      return 'refused';
    case 'not_image':
    case 'empty':
    case 'invalid_response':
      return 'not_a_photo';
    case 'too_large':
      return 'too_large';
    case 'host_rests':
      return 'host_busy';
  }
}
