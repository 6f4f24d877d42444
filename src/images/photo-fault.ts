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
}

/** The host says that it is its load or its state, not the photo or the way of asking. */
const BUSY: ReadonlySet<number | null> = new Set([429, 503]);
/** Those of 4xx that mean "not now". */
const LATER_4XX: ReadonlySet<number> = new Set([408, 425, 429]);

/** Whether the photo will stay away: else "not now" is all that was said. */
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
 * Where to go on after a fault: with another way of asking at once, or with which in a later round.
 * A busy host is not asked in another way at once: three requests a photo is what made it busy.
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
      // 404 is no matter of ranges; silence costs five seconds each time.
      const settled = status === 404 || status === 410 || SETTLED.has(failure);
      // What came in answer to a range may be odd (parts, nothing); a whole answer that is no photo stays none.
      const whole = status === 200 && failure !== 'cut_off' && failure !== 'empty';
      return { now: settled || whole || BUSY.has(status) ? null : 'PLAIN', later: 'PLAIN' };
    }
    case 'PLAIN':
      return { now: null, later: 'HEAD' };
  }
}

/** No matter of ranges either. */
const SETTLED: ReadonlySet<PhotoFailure> = new Set(['timeout', 'too_large', 'redirect']);

/** No other way of asking would fare better; and a second try would only give a rebinding name its second chance. */
function hasNoConnection({ failure }: Fault): boolean {
  return failure === 'refused' || failure === 'dns' || failure === 'connect' || failure === 'tls';
}
