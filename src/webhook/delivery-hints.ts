import { Injectable } from '@nestjs/common';

/**
 * Tells the sender of this process that deliveries have just been committed, so that the first attempt leaves at once.
 * Only a hint: a lost one, or one of another process, costs at most the second until the sweep.
 */
@Injectable()
export class DeliveryHints {
  private readonly listeners = new Set<() => void>();

  /** Call after the transaction that made deliveries has committed; before, the sender would find nothing. */
  wake(): void {
    for (const listener of this.listeners) listener();
  }

  /** @returns a function that ends the subscription */
  onWake(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}
