import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { PhotoReason } from '../common/missing-photo.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { OutboundClient } from '../outbound/outbound-client.js';
import { OutboundError } from '../outbound/outbound-error.js';
import { retryAfterMs } from '../outbound/retry-after.js';
import { judgeGet, judgeHead } from './photo-answer.js';
import { afterFault, isFinal, type Fault, type PhotoMethod } from './photo-fault.js';
import { carriedFormatOf } from './photo-format.js';
import { reasonFor, type PhotoFailure } from './photo-reason.js';

/** Bytes of a photo that are read at most: enough for every signature and the hint for animation. */
export const PHOTO_BYTES = 32_768;
const REDIRECTS = 5;

/** The result of one round of asking. */
export type Asked =
  | { readonly kind: 'there'; readonly by: PhotoMethod }
  | {
      /** `final`: the photo will stay missing; `later`: another round may find it. */
      readonly kind: 'final' | 'later';
      readonly failure: PhotoFailure;
      /** As clients may read it. */
      readonly reason: PhotoReason;
      /** How long the host asked to wait, in milliseconds; 0 if it did not ask. */
      readonly retryAfterMs: number;
      /** Where another round begins. */
      readonly next: PhotoMethod;
      /** AVIF or TIFF: no model takes it, and we can send it ourselves. */
      readonly carriable: boolean;
    };

/**
 * Asks a host for one photo: by HEAD, if that is not enough by a GET of the first 32 KB, and if that is refused by a
 * GET without a range. Many hosts refuse HEAD, and some refuse ranges.
 */
@Injectable()
export class PhotoAsker {
  private readonly limits: AppConfig['images'];

  constructor(
    @Inject(APP_CONFIG) config: AppConfig,
    private readonly clock: Clock,
    private readonly outbound: OutboundClient,
  ) {
    this.limits = config.images;
  }

  /**
   * One round, of up to three requests.
   * @param first - where it begins
   * @param longestMs - no request may take longer, whatever the settings say
   * @throws OutboundError of kind `aborted`, or the signal's reason, once `signal` is raised
   */
  async ask(url: string, first: PhotoMethod, longestMs: number, signal: AbortSignal): Promise<Asked> {
    for (let method = first; ;) {
      const fault = await this.try(method, url, longestMs, signal);
      if (fault === null) return { kind: 'there', by: method };
      const then = afterFault(method, fault);
      const carriable = fault.carriable === true;
      if (then.now !== null && !carriable) {
        method = then.now;
        continue;
      }
      const { failure, status } = fault;
      return {
        kind: isFinal(fault) ? 'final' : 'later',
        failure,
        reason: fault.viaAllowList ? 'unreachable' : reasonFor(failure, status),
        retryAfterMs: fault.retryAfterMs,
        next: then.later,
        carriable,
      };
    }
  }

  /** @returns null when this request found the photo */
  private async try(method: PhotoMethod, url: string, longestMs: number, signal: AbortSignal): Promise<Fault | null> {
    const { headTimeoutSeconds, getTimeoutSeconds, maxBytes } = this.limits;
    const seconds = method === 'HEAD' ? headTimeoutSeconds : getTimeoutSeconds;
    const range: Record<string, string> = method === 'RANGE' ? { range: `bytes=0-${PHOTO_BYTES - 1}` } : {};
    try {
      const answer = await this.outbound.request(url, {
        purpose: 'photo',
        method: method === 'HEAD' ? 'HEAD' : 'GET',
        headers: { accept: 'image/*,*/*;q=0.8', ...range },
        deadlineMs: Math.min(seconds * 1000, longestMs),
        maxBytes: PHOTO_BYTES,
        redirects: REDIRECTS,
        signal,
      });
      const fault = method === 'HEAD' ? judgeHead(answer, maxBytes) : judgeGet(answer, maxBytes);
      if (fault === null) return null;
      return {
        failure: fault,
        status: answer.status,
        unknownName: false,
        retryAfterMs: retryAfterMs(answer.headers['retry-after'] ?? null, this.clock.now()),
        viaAllowList: answer.viaAllowList,
        carriable: fault === 'not_image' && carriedFormatOf(answer.body) !== null,
      };
    } catch (error) {
      if (!(error instanceof OutboundError) || error.kind === 'aborted') throw error;
      const { kind, unknownName, viaAllowList } = error;
      return { failure: kind, status: null, unknownName, retryAfterMs: 0, viaAllowList };
    }
  }
}
