import type { PhotoReason } from '../common/missing-photo.js';
import type { OutboundErrorKind } from '../outbound/outbound-error.js';
import type { PhotoFault } from './photo-answer.js';

/** Why a photo is missing: an error of the guard or the network, or what is wrong with its answer. */
export type PhotoFailure = OutboundErrorKind | PhotoFault | 'host_rests';

/** @param status - of the answer, where there was one */
export function reasonFor(failure: PhotoFailure, status: number | null): PhotoReason {
  switch (failure) {
    case 'status':
      if (status === 404 || status === 410) return 'not_found';
      return status === 429 || (status !== null && status >= 500) ? 'host_busy' : 'refused';
    // A forbidden address gets the same reason as a name that does not exist; a difference would reveal our network.
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
