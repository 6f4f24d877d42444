import { Slots } from '../concurrency.js';
import { invalid } from '../http/api-error.js';
import { sha256 } from '../seeded.js';
import type { Simulation } from '../simulation.js';
import { timeoutError, unreachableError, unsupportedImage } from './photo-errors.js';
import type { PhotoPart } from './response-request.js';
import type { PixelSize } from './token-estimate.js';

/** The result of fetching one photo. */
export interface PhotoDownload {
  /** 0 when no answer came. */
  readonly status: number;
  readonly body: Uint8Array;
  /** Why the body is incomplete; null when it is complete. */
  readonly problem: 'timeout' | 'unreachable' | 'too_large' | null;
}

export interface PhotoFetcher {
  /** @throws only when the signal aborts */
  fetch(url: string, signal: AbortSignal): Promise<PhotoDownload>;
  close(): Promise<void>;
}

const KEPT_LOOKS = 5000;

/** Turns the photos of a request into looks: each is fetched every time, decoding is remembered by content. */
export class PhotoSource<Look extends PixelSize> {
  private readonly slots: Slots;
  private readonly looks = new Map<string, Look>();

  constructor(
    private readonly fetcher: PhotoFetcher,
    private readonly simulation: Pick<Simulation<Look>, 'look' | 'lookByAddress'>,
    private readonly mode: 'fetch' | 'url',
    concurrency: number,
  ) {
    this.slots = new Slots(concurrency);
  }

  /**
   * The looks in the order of the photos.
   * @throws ApiError 400 for the first photo that cannot be fetched, in the form that OpenAI uses for that error
   */
  async look(photos: readonly PhotoPart[], signal: AbortSignal): Promise<Look[]> {
    if (this.mode === 'url') return photos.map(({ url }) => this.simulation.lookByAddress(url));
    const settled = await Promise.allSettled(
      photos.map((photo) => this.slots.run(async () => this.one(photo.url, signal))),
    );
    return settled.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }

  private async one(url: string, signal: AbortSignal): Promise<Look> {
    signal.throwIfAborted();
    const bytes = url.startsWith('data:') ? inlineBytes(url) : await this.download(url, signal);
    if (bytes.length === 0) throw invalid('The image file is empty.', null, 'empty_image_file');
    const key = sha256(bytes);
    const known = this.looks.get(key);
    if (known !== undefined) return known;
    const look = await this.simulation.look(bytes).catch(() => {
      throw unsupportedImage();
    });
    if (this.looks.size >= KEPT_LOOKS) this.looks.clear();
    this.looks.set(key, look);
    return look;
  }

  private async download(url: string, signal: AbortSignal): Promise<Uint8Array> {
    const answer = await this.fetcher.fetch(url, signal);
    if (answer.problem === 'timeout') throw timeoutError(url);
    if (answer.problem === 'unreachable') throw unreachableError(url);
    if (answer.problem === 'too_large') throw invalid('The image is too large.', 'url', 'image_too_large');
    if (answer.status < 200 || answer.status > 299) {
      const message = `Error while downloading ${url}. Upstream status code: ${answer.status}.`;
      throw invalid(message, 'url', 'invalid_value');
    }
    return answer.body;
  }
}

function inlineBytes(url: string): Uint8Array {
  const match = /^data:image\/(?:png|jpe?g|webp|gif);base64,([A-Za-z0-9+/=\s]+)$/.exec(url);
  if (match === null) {
    const message =
      "Invalid base64 image_url. Expected a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=').";
    throw invalid(message, 'input', 'invalid_base64_image');
  }
  return Buffer.from(match[1] ?? '', 'base64');
}
