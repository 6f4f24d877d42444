import { setImmediate as nextTurn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { PhotoReason } from '../common/missing-photo.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { OutboundClient, type OutboundResponse } from '../outbound/outbound-client.js';
import { OutboundError } from '../outbound/outbound-error.js';
import { retryAfterMs } from '../outbound/retry-after.js';
import { bytesOf, judgeGet, judgeHead } from './photo-answer.js';
import { photoFileOf, type PhotoFile } from './photo-file.js';
import { afterFault, isFinal, type Fault, type PhotoMethod } from './photo-fault.js';
import { carriedFormatOf } from './photo-format.js';
import { reasonFor, type PhotoFailure } from './photo-reason.js';
import { photoSizeOf, type PhotoSize } from './photo-size.js';

/** Bytes of a photo that are read at most: enough for every signature, the hint for animation, and nearly every size. */
export const PHOTO_BYTES = 32_768;
const REDIRECTS = 5;
/** What a look may take: the photo is known to be there, and a host that hangs must not make its lot wait. */
const LOOK_MS = 1_000;

/** A photo that was not found. */
interface NotThere {
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
  /** What the last answer told of the file, where there was one. */
  readonly file?: PhotoFile;
}

/** The result of one round of asking. */
export type Asked =
  | {
      readonly kind: 'there';
      readonly by: PhotoMethod;
      /** Null where its first bytes do not tell, undefined where they were not read. */
      readonly size?: PhotoSize | null;
      readonly file: PhotoFile;
    }
  | NotThere;

/** What the first bytes of a photo show that a HEAD has found. */
export type Look =
  | Seen
  /** They are no photo, whatever the HEAD said. */
  | NotThere
  /** The host did not show them, or only together with the whole file. */
  | { readonly kind: 'in_vain'; readonly seen?: Seen };

interface Seen {
  readonly kind: 'seen';
  readonly size: PhotoSize | null;
  readonly file: PhotoFile;
}

type Tried = { readonly found: true; readonly answer: OutboundResponse } | ({ readonly found: false } & Fault);

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
      const tried = await this.try(method, url, longestMs, signal);
      if (tried.found) {
        const size = method === 'HEAD' ? {} : { size: sizeIn(tried.answer) };
        return { kind: 'there', by: method, ...size, file: photoFileOf(tried.answer) };
      }
      const then = afterFault(method, tried);
      if (then.now === null || tried.carriable === true) return notThere(tried, then.later);
      method = then.now;
    }
  }

  /**
   * Looks at the first bytes of a photo that a HEAD has found, on the same connection if it is kept.
   * @throws as {@link ask}
   */
  async look(url: string, signal: AbortSignal): Promise<Look> {
    // The connection is free again after this turn of the event loop; a request before that opens another one.
    await nextTurn();
    const tried = await this.try('RANGE', url, LOOK_MS, signal);
    if (tried.found) {
      const seen = { kind: 'seen', size: sizeIn(tried.answer), file: photoFileOf(tried.answer) } as const;
      // It began to send the whole file, and its connection had to be closed.
      return tried.answer.bodyEnd === 'limit' ? { kind: 'in_vain', seen } : seen;
    }
    return tried.failure === 'not_image' ? notThere(tried, 'RANGE') : { kind: 'in_vain' };
  }

  private async try(method: PhotoMethod, url: string, longestMs: number, signal: AbortSignal): Promise<Tried> {
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
      if (fault === null) return { found: true, answer };
      return {
        found: false,
        failure: fault,
        status: answer.status,
        unknownName: false,
        retryAfterMs: retryAfterMs(answer.headers['retry-after'] ?? null, this.clock.now()),
        viaAllowList: answer.viaAllowList,
        carriable: fault === 'not_image' && carriedFormatOf(answer.body) !== null,
        file: photoFileOf(answer),
      };
    } catch (error) {
      if (!(error instanceof OutboundError) || error.kind === 'aborted') throw error;
      const { kind, unknownName, viaAllowList } = error;
      return { found: false, failure: kind, status: null, unknownName, retryAfterMs: 0, viaAllowList };
    }
  }
}

function notThere(fault: Fault, next: PhotoMethod): NotThere {
  const { failure, status, retryAfterMs: wait, viaAllowList, carriable = false, file } = fault;
  return {
    kind: isFinal(fault) ? 'final' : 'later',
    failure,
    reason: viaAllowList ? 'unreachable' : reasonFor(failure, status),
    retryAfterMs: wait,
    next,
    carriable,
    ...(file !== undefined && { file }),
  };
}

function sizeIn(answer: OutboundResponse): PhotoSize | null {
  const bytes = bytesOf(answer);
  return bytes === null ? null : photoSizeOf(bytes);
}
