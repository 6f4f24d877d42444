import { Injectable } from '@nestjs/common';
import { outsideSpans } from './spans.js';

/**
 * Tells the workers of this process that there is work, so that they begin at once. It is only a hint: if one is lost,
 * or another process has the work, it begins at the next sweep, at most a second later.
 */
class WorkHints {
  private readonly listeners = new Set<() => void>();

  /** Call it after the transaction that made the work has committed. Before that no worker can see the work. */
  wake(): void {
    for (const listener of this.listeners) outsideSpans(listener);
  }

  /** @returns a function that ends the listening */
  onWake(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

/** For the stages of batches: a shard is due. */
@Injectable()
export class BatchHints extends WorkHints {}

/** For the sender of webhooks: a delivery is due. */
@Injectable()
export class DeliveryHints extends WorkHints {}
