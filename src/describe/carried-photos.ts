import { abortReason } from '../common/clock.js';
import type { CarryProblem, PhotoCarrier } from '../images/photo-carrier.js';
import { LONGEST_TIMER_MS } from '../openai/deadline.js';
import { OpenAiError } from '../openai/errors.js';
import type { CallLimits } from '../openai/retry.js';
import { callError } from './call-errors.js';

/** `no_room`: the carried photos of one lot are too large together. */
export type NotCarried = CarryProblem | 'no_room';

/** The photos of one lot that we send ourselves, and the memory that is reserved for them in this process. */
export class CarriedPhotos {
  /** The data URL that is sent in place of each client's address. It is used for nothing else. */
  private readonly dataUrls = new Map<string, string>();
  private keptBytes = 0;

  constructor(
    private readonly carrier: PhotoCarrier,
    private readonly side: number,
    private readonly limits: CallLimits,
    private readonly now: () => number,
  ) {}

  has(url: string): boolean {
    return this.dataUrls.has(url);
  }

  /** The address or data URL that a request has for this photo. */
  sentAs(url: string): string {
    return this.dataUrls.get(url) ?? url;
  }

  /** @returns the photos that could not be carried, and why */
  async carry(urls: readonly string[]): Promise<Map<string, NotCarried>> {
    const problems = new Map<string, NotCarried>();
    const room = Math.max(0, this.carrier.mostPhotos(this.side) - this.dataUrls.size);
    for (const url of urls.slice(room)) problems.set(url, 'no_room');
    const wanted = urls.slice(0, room);
    if (wanted.length > 0) await this.fetch(wanted, problems);
    return problems;
  }

  /** Frees the memory; carried photos may not be sent afterwards. */
  release(): void {
    this.dataUrls.clear();
    this.carrier.kept.give(this.keptBytes);
    this.keptBytes = 0;
  }

  private async fetch(urls: readonly string[], problems: Map<string, NotCarried>): Promise<void> {
    const most = this.carrier.mostBytes(this.side);
    let wanted = urls;
    if (!this.carrier.kept.tryTake(wanted.length * most)) {
      // A lot must hold no memory while it waits for some, or two lots would block each other. So its photos are
      // fetched again.
      wanted = [...this.dataUrls.keys(), ...wanted];
      this.release();
      await this.waitForRoom(wanted.length * most);
    }
    let used = 0;
    try {
      await Promise.all(
        wanted.map(async (url) => {
          const photo = await this.carrier.carry(url, this.side, this.limits.signal);
          if (!photo.ok) {
            problems.set(url, photo.problem);
            return;
          }
          this.dataUrls.set(url, photo.dataUrl);
          used += photo.bytes;
        }),
      );
    } finally {
      this.keptBytes += used;
      this.carrier.kept.give(wanted.length * most - used);
    }
  }

  /** Waits for free memory. Other lots free theirs by their own deadlines, but this lot has a deadline too. */
  private async waitForRoom(bytes: number): Promise<void> {
    const { signal, deadlineAt } = this.limits;
    const late = AbortSignal.timeout(Math.min(Math.max(0, deadlineAt - this.now()), LONGEST_TIMER_MS));
    try {
      await this.carrier.kept.take(bytes, signal === undefined ? late : AbortSignal.any([signal, late]));
    } catch (error) {
      if (signal?.aborted === true) throw abortReason(signal);
      if (!late.aborted) throw error;
      throw callError(new OpenAiError({ kind: 'timeout', retryable: true, cause: error }), []);
    }
  }
}
