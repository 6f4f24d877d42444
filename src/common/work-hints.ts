import { Injectable } from '@nestjs/common';

/**
 * Tells whoever works in this process that there is something to do, so that it begins at once. Only a hint: a lost one, or one
 * of another process, costs at most the second until the next sweep.
 */
class WorkHints {
  private readonly listeners = new Set<() => void>();

  /** Call after the transaction that made the work has committed; before, nobody would find it. */
  wake(): void {
    for (const listener of this.listeners) listener();
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
