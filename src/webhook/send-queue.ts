/** What the queue needs to know about a delivery. */
export interface Queued {
  readonly keyId: string;
  readonly origin: string;
  readonly bytes: number;
  /** How many requests may be in flight to its receiver. */
  readonly slots: number;
}

export interface SendLimits {
  /** How many requests of this process may be in flight, to all receivers together. */
  readonly requests: number;
  /** Bytes of bodies in flight. One receiver may use a quarter of them. A single larger body is always allowed. */
  readonly bytes: number;
}

interface Receiver<T> {
  waiting: T[];
  active: number;
  activeBytes: number;
  slots: number;
}

/**
 * The deliveries that this process holds, and the order in which they are sent. Receivers take turns, each within its
 * own slots and bytes, so that a receiver that hangs does not delay the others.
 */
export class SendQueue<T extends Queued> {
  private readonly receivers = new Map<string, Receiver<T>>();
  private activeRequests = 0;
  private activeBytes = 0;
  private waitingCount = 0;

  constructor(private readonly limits: SendLimits) {}

  get waiting(): number {
    return this.waitingCount;
  }

  /** How many deliveries wait for one receiver. @param key - from {@link keyOf} */
  waitingWith(key: string): number {
    return this.receivers.get(key)?.waiting.length ?? 0;
  }

  get active(): number {
    return this.activeRequests;
  }

  add(delivery: T): void {
    const receiver = this.receiverOf(delivery);
    receiver.waiting.push(delivery);
    // The newest claim has the latest number of slots.
    receiver.slots = delivery.slots;
    this.waitingCount += 1;
  }

  /** The next delivery that may be sent now, or undefined. It counts as in flight until `finish` is called. */
  next(): T | undefined {
    if (this.activeRequests >= this.limits.requests) return undefined;
    for (const [key, receiver] of this.receivers) {
      const delivery = receiver.waiting[0];
      if (delivery === undefined || receiver.active >= receiver.slots || !this.fits(receiver, delivery)) continue;
      receiver.waiting.shift();
      receiver.active += 1;
      receiver.activeBytes += delivery.bytes;
      this.waitingCount -= 1;
      this.activeRequests += 1;
      this.activeBytes += delivery.bytes;
      // Move it to the end: the map keeps the order of insertion.
      this.receivers.delete(key);
      this.receivers.set(key, receiver);
      return delivery;
    }
    return undefined;
  }

  finish(delivery: T): void {
    const receiver = this.receiverOf(delivery);
    receiver.active -= 1;
    receiver.activeBytes -= delivery.bytes;
    this.activeRequests -= 1;
    this.activeBytes -= delivery.bytes;
    if (receiver.active === 0 && receiver.waiting.length === 0) this.receivers.delete(keyOf(delivery));
  }

  /** Takes out the waiting deliveries for which `unwanted` is true. */
  remove(unwanted: (delivery: T) => boolean): T[] {
    const removed: T[] = [];
    for (const [key, receiver] of this.receivers) {
      const kept = receiver.waiting.filter((delivery) => !unwanted(delivery));
      if (kept.length === receiver.waiting.length) continue;
      removed.push(...receiver.waiting.filter(unwanted));
      receiver.waiting = kept;
      if (kept.length === 0 && receiver.active === 0) this.receivers.delete(key);
    }
    this.waitingCount -= removed.length;
    return removed;
  }

  private fits(receiver: Receiver<T>, delivery: T): boolean {
    const { bytes } = this.limits;
    if (this.activeBytes > 0 && this.activeBytes + delivery.bytes > bytes) return false;
    return receiver.activeBytes === 0 || receiver.activeBytes + delivery.bytes <= bytes / 4;
  }

  private receiverOf(delivery: T): Receiver<T> {
    const key = keyOf(delivery);
    let receiver = this.receivers.get(key);
    if (receiver === undefined) {
      receiver = { waiting: [], active: 0, activeBytes: 0, slots: delivery.slots };
      this.receivers.set(key, receiver);
    }
    return receiver;
  }
}

export function keyOf(delivery: Pick<Queued, 'keyId' | 'origin'>): string {
  return `${delivery.keyId} ${delivery.origin}`;
}
