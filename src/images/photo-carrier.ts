import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { listenFreely } from '../common/abort-signals.js';
import type { PhotoReason } from '../common/missing-photo.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { AllowList, bareHost, checkUrl } from '../outbound/address-rules.js';
import { OutboundClient, type OutboundResponse } from '../outbound/outbound-client.js';
import { OutboundError } from '../outbound/outbound-error.js';
import { retryAfterMs } from '../outbound/retry-after.js';
import { beginningOf, codingOf } from './photo-answer.js';
import { PhotoConverter } from './photo-converter.js';
import { carriedFormatOf, photoFormatOf, type CarriedFormat, type PhotoFormat } from './photo-format.js';
import { countCarried } from './photo-metrics.js';
import { Slots } from '../common/slots.js';

const MIB = 1024 * 1024;
/**
 * The most bytes of carried photos (JPEGs) that this process keeps. While a request with a photo is sent, the photo
 * takes several times as much memory, because it is text then.
 */
const KEPT_BYTES = 48 * MIB;
/** The most bytes of photos that are being fetched, or that wait to be converted. */
const FETCHED_BYTES = 48 * MIB;
/** The most bytes of one carried photo, by the longest side that it may have. */
const BYTES_OF_SIDE: readonly (readonly [side: number, bytes: number])[] = [
  [512, 256 * 1024],
  [2_048, MIB],
  [Number.POSITIVE_INFINITY, 2 * MIB],
];
/** How many of a file's first bytes are enough to see its format. */
const HEAD_BYTES = 4096;
const REDIRECTS = 5;
/** The photo was there a moment ago, so a host that answers "not now" gets a second request. */
const MOST_TRIES = 2;
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
/** Fetching a whole photo may take this many times as long as fetching its first bytes. */
const WHOLE_FACTOR = 4;

export type CarryProblem =
  /** We could not fetch the photo either. */
  'not_fetched' | 'not_a_photo' | 'too_large';

export type CarriedPhoto =
  /** A data URL: sent to OpenAI and kept nowhere else. */
  | { readonly ok: true; readonly dataUrl: string; readonly bytes: number }
  | { readonly ok: false; readonly problem: CarryProblem };

/** The format that a photo's first bytes show; `unknown` when they could not be fetched. */
export type SeenFormat = PhotoFormat | CarriedFormat | 'other' | 'unknown';

/** Fetches photos that OpenAI cannot fetch or decode itself, and converts each to what OpenAI takes. */
@Injectable()
export class PhotoCarrier {
  /** The setting PHOTO_CARRY. */
  readonly allowed: boolean;
  /**
   * The memory for carried photos, in bytes. A caller takes its part before it fetches photos, and gives it back at the
   * end.
   */
  readonly kept = new Slots(KEPT_BYTES);
  private readonly converter = new PhotoConverter();
  private readonly limits: AppConfig['images'];
  private readonly fetched: Slots;

  constructor(
    @Inject(APP_CONFIG) config: AppConfig,
    private readonly outbound: OutboundClient,
    private readonly allow: AllowList,
    private readonly clock: Clock,
  ) {
    this.limits = config.images;
    this.allowed = config.images.carry;
    this.fetched = new Slots(Math.max(FETCHED_BYTES, config.images.maxBytes));
  }

  /** The most bytes that one carried photo may have. */
  mostBytes(side: number): number {
    return BYTES_OF_SIDE.find(([longest]) => side <= longest)?.[1] ?? MIB;
  }

  /** How many photos of one lot can be carried at once. */
  mostPhotos(side: number): number {
    return Math.floor(KEPT_BYTES / this.mostBytes(side));
  }

  /**
   * The reason that clients may see for a photo that was left out. For hosts in OUTBOUND_ALLOW no details are shown.
   */
  shown(url: string, reason: PhotoReason): PhotoReason {
    const checked = checkUrl(url, this.allow);
    return checked.ok && this.allow.covers(bareHost(checked.url)) ? 'unreachable' : reason;
  }

  /**
   * Fetches a whole photo and converts it. Before that, the caller must have taken `mostBytes` of `kept` for it.
   * @throws the signal's reason once `signal` is raised; OutboundError of kind `aborted` at shutdown
   */
  async carry(url: string, side: number, signal: AbortSignal | undefined): Promise<CarriedPhoto> {
    listenFreely(signal);
    const carried = await this.fetchAndConvert(url, side, signal);
    countCarried(carried.ok ? 'carried' : carried.problem);
    return carried;
  }

  /**
   * The format of a photo by its first bytes, whatever its host calls it.
   * @throws as {@link carry}
   */
  async look(url: string, signal: AbortSignal | undefined): Promise<SeenFormat> {
    listenFreely(signal);
    await this.fetched.take(HEAD_BYTES, signal);
    try {
      const answer = await this.get(url, HEAD_BYTES, this.limits.getTimeoutSeconds, signal);
      if (answer === null || answer.body.length === 0) return 'unknown';
      const coding = codingOf(answer.headers);
      const head = coding === '' ? answer.body : beginningOf(coding, answer.body);
      return head === null ? 'unknown' : (photoFormatOf(head) ?? carriedFormatOf(head) ?? 'other');
    } finally {
      this.fetched.give(HEAD_BYTES);
    }
  }

  /** Those of the photos that no model takes but that we can convert. */
  async carriable(urls: readonly string[], signal: AbortSignal | undefined): Promise<string[]> {
    const formats = await Promise.all(urls.map((url) => this.look(url, signal)));
    return urls.filter((_url, index) => formats[index] === 'avif' || formats[index] === 'tiff');
  }

  private async fetchAndConvert(url: string, side: number, signal: AbortSignal | undefined): Promise<CarriedPhoto> {
    const { maxBytes, getTimeoutSeconds } = this.limits;
    await this.fetched.take(maxBytes, signal);
    try {
      const answer = await this.get(url, maxBytes, getTimeoutSeconds * WHOLE_FACTOR, signal);
      if (answer === null) return { ok: false, problem: 'not_fetched' };
      if (answer.bodyEnd === 'limit') return { ok: false, problem: 'too_large' };
      if (answer.bodyEnd !== 'complete') return { ok: false, problem: 'not_fetched' };
      const file = await decoded(codingOf(answer.headers), answer.body, maxBytes);
      if (file === null) return { ok: false, problem: 'not_a_photo' };
      const converted = await this.converter.convert(file, side, this.mostBytes(side), signal);
      if (!converted.ok) return converted;
      const { jpeg } = converted;
      return { ok: true, dataUrl: `data:image/jpeg;base64,${jpeg.toString('base64')}`, bytes: jpeg.length };
    } finally {
      this.fetched.give(maxBytes);
    }
  }

  /**
   * Asks a busy host, or one whose connection broke, once more.
   * @returns null when no 2xx came
   */
  private async get(
    url: string,
    maxBytes: number,
    seconds: number,
    signal: AbortSignal | undefined,
  ): Promise<OutboundResponse | null> {
    for (let tries = 1; ; tries++) {
      const answer = await this.request(url, maxBytes, seconds, signal);
      if (typeof answer !== 'number') return answer;
      if (tries === MOST_TRIES) return null;
      await this.clock.sleep(answer, signal);
    }
  }

  /** @returns the answer; null for a final refusal; or the milliseconds after which asking again may help */
  private async request(
    url: string,
    maxBytes: number,
    seconds: number,
    signal: AbortSignal | undefined,
  ): Promise<OutboundResponse | number | null> {
    try {
      const answer = await this.outbound.request(url, {
        purpose: 'photo',
        method: 'GET',
        headers: { accept: 'image/*,*/*;q=0.8' },
        deadlineMs: seconds * 1000,
        maxBytes,
        redirects: REDIRECTS,
        ...(signal === undefined ? {} : { signal }),
      });
      const { status, headers, bodyEnd } = answer;
      if (status === 429 || status >= 500) {
        return pauseMs(retryAfterMs(headers['retry-after'] ?? null, this.clock.now()));
      }
      if (status < 200 || status > 299) return null;
      return bodyEnd === 'reset' ? PAUSE_MS : answer;
    } catch (error) {
      if (!(error instanceof OutboundError) || error.kind === 'aborted') throw error;
      return error.kind === 'connect' || error.kind === 'reset' ? PAUSE_MS : null;
    }
  }
}

/** How long to wait before asking a host again. The wait is limited, because a client may be waiting for the result. */
function pauseMs(wishMs: number): number {
  return Math.min(Math.max(wishMs, PAUSE_MS), LONGEST_PAUSE_MS);
}

/**
 * Undoes the compression of a host that compressed the file although we asked for `identity`.
 * @returns null when that fails, or when the file is too large
 */
async function decoded(encoding: string, body: Buffer, maxOutputLength: number): Promise<Buffer | null> {
  try {
    switch (encoding) {
      case '':
        return body;
      case 'gzip':
      case 'x-gzip':
        return await promisify(gunzip)(body, { maxOutputLength });
      case 'deflate':
        return await promisify(inflate)(body, { maxOutputLength });
      case 'br':
        return await promisify(brotliDecompress)(body, { maxOutputLength });
      default:
        return null;
    }
  } catch {
    return null;
  }
}
