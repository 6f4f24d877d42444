import type { PhotoFile } from './photo-file.js';
import type { PhotoFailure } from './photo-reason.js';

/** `RANGE` is a GET of the first bytes, `PLAIN` one without a range. */
export type PhotoMethod = 'HEAD' | 'RANGE' | 'PLAIN';

/** Why a request did not find its photo. */
export interface Fault {
  readonly failure: PhotoFailure;
  /** Of the answer, where there was one. */
  readonly status: number | null;
  /** The name certainly has no address. */
  readonly unknownName: boolean;
  readonly retryAfterMs: number;
  readonly viaAllowList: boolean;
  /** Its bytes are AVIF or TIFF: no model takes them, and we can send the photo ourselves. */
  readonly carriable?: boolean;
  /** What the answer told of the file, where there was one. */
  readonly file?: PhotoFile;
}

/** The host reports its load or its state, not a problem with the photo or the request. */
const BUSY: ReadonlySet<number | null> = new Set([429, 503]);
/** Those of 4xx that mean "not now". */
const LATER_4XX: ReadonlySet<number> = new Set([408, 425, 429]);

/** Whether the photo will stay missing; otherwise the answer was only "not now". */
export function isFinal({ failure, status, unknownName }: Fault): boolean {
  switch (failure) {
    case 'status':
      return status !== null && status < 500 && !LATER_4XX.has(status);
    case 'dns':
      return unknownName;
    case 'refused':
    case 'redirect':
    case 'invalid_response':
    case 'not_image':
    case 'empty':
    case 'too_large':
      return true;
    case 'connect':
    case 'tls':
    case 'timeout':
    case 'reset':
    case 'cut_off':
    case 'aborted':
    case 'host_rests':
      return false;
  }
}

/**
 * What to do after a fault: ask at once in another way, or in which way to ask in a later round. A busy host is not
 * asked again at once, because three requests for each photo are what made it busy.
 */
export function afterFault(method: PhotoMethod, fault: Fault): { now: PhotoMethod | null; later: PhotoMethod } {
  const { failure, status } = fault;
  switch (method) {
    case 'HEAD':
      return hasNoConnection(fault) || BUSY.has(status)
        ? { now: null, later: hasNoConnection(fault) ? 'HEAD' : 'RANGE' }
        : { now: 'RANGE', later: 'RANGE' };
    case 'RANGE': {
      if (hasNoConnection(fault)) return { now: null, later: 'HEAD' };
      // A 404 does not depend on the range, and each request without an answer costs five seconds.
      const settled = status === 404 || status === 410 || SETTLED.has(failure);
      // The answer to a range request may be odd (several parts, or nothing); a whole answer that is not a photo is
      // final.
      const whole = status === 200 && failure !== 'cut_off' && failure !== 'empty';
      return { now: settled || whole || BUSY.has(status) ? null : 'PLAIN', later: 'PLAIN' };
    }
    case 'PLAIN':
      return { now: null, later: 'HEAD' };
  }
}

/** This does not depend on the range either. */
const SETTLED: ReadonlySet<PhotoFailure> = new Set(['timeout', 'too_large', 'redirect']);

/**
 * No other way of asking would help, and a second try would only help a name that changes its address (DNS rebinding).
 */
function hasNoConnection({ failure }: Fault): boolean {
  return failure === 'refused' || failure === 'dns' || failure === 'connect' || failure === 'tls';
}
