import { Injectable } from '@nestjs/common';
import { listenFreely } from '../../common/abort-signals.js';
import { Clock } from '../../common/clock.js';
import { sideBySide } from '../../common/side-by-side.js';
import { ServiceError } from '../../common/service-error.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { KeyedLimiter } from '../../images/keyed-limiter.js';
import { withOwnSignal } from '../../images/own-signal.js';
import { PhotoCarrier } from '../../images/photo-carrier.js';
import { PhotoChecker } from '../../images/photo-checker.js';
import { OutboundError } from '../../outbound/outbound-error.js';
import { checkedPhoto, unreachablePhoto } from './checked-photo.js';
import type { CheckedPhotoDto } from './photo-check.dto.js';

/** Milliseconds within which the answer comes, whatever the hosts do; many clients give up after 30 s. */
export const ANSWER_MS = 25_000;
/** As long as a synchronous request waits for hosts that answer "not now". */
const PATIENCE_MS = 15_000;
/**
 * Photos that are looked at together: of all keys, less than half of the slots for waiting clients; of one key; of one
 * request. So photos on a hundred slow hosts make neither a lot wait, nor another key's photos, nor the key's next request.
 */
const AT_ONCE = 192;
const AT_ONCE_OF_KEY = 96;
const AT_ONCE_OF_REQUEST = 32;

class TooLateError extends Error {}

/** Looks at photos for a client that waits: each address once, in turn with those of other keys. */
@Injectable()
export class PhotoChecks {
  private readonly turns = new KeyedLimiter(AT_ONCE, () => AT_ONCE_OF_KEY);

  constructor(
    private readonly clock: Clock,
    private readonly checker: PhotoChecker,
    private readonly carrier: PhotoCarrier,
    private readonly settings: ModelSettings,
  ) {}

  /**
   * @param urls - addresses that have passed the rules of intake
   * @param gone - raised when the client hangs up; all work ends then
   * @returns a photo for each address, in the same order
   * @throws the signal's reason; ServiceError SERVICE_UNAVAILABLE at shutdown
   */
  async check(keyId: string, urls: readonly string[], gone: AbortSignal): Promise<CheckedPhotoDto[]> {
    const until = this.clock.now() + PATIENCE_MS;
    const found = new Map<string, CheckedPhotoDto>();
    await withOwnSignal(gone, (own) => {
      const late = new AbortController();
      listenFreely(late.signal);
      this.clock.sleep(ANSWER_MS, own).then(
        () => late.abort(new TooLateError('its turn or its answer did not come in time')),
        () => undefined,
      );
      const signal = AbortSignal.any([own, late.signal]);
      listenFreely(signal);
      return sideBySide([...new Set(urls)], AT_ONCE_OF_REQUEST, async (url) => {
        found.set(url, await this.one(keyId, url, until, signal));
      });
    });
    return urls.map((url) => found.get(url) as CheckedPhotoDto);
  }

  private async one(keyId: string, url: string, until: number, signal: AbortSignal): Promise<CheckedPhotoDto> {
    try {
      const look = () => true;
      const check = await this.turns.run(keyId, signal, () =>
        this.checker.check(url, { signal, until, look, thorough: true }),
      );
      if (check === null) throw new TooLateError('nobody is sent away here');
      return checkedPhoto(url, check, this.settings);
    } catch (error) {
      if (error instanceof TooLateError) return unreachablePhoto(url, this.carrier.shown(url, 'timeout'));
      if (signal.aborted || !(error instanceof OutboundError)) throw error;
      throw new ServiceError('SERVICE_UNAVAILABLE', 'The service is shutting down; send the request again.', {
        headers: { 'Retry-After': '5' },
        cause: error,
      });
    }
  }
}
