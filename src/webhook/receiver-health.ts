import type { SettledAttempt } from './outcome-store.js';

/** What a batch of attempts says of one receiver. */
export interface ReceiverHealth {
  readonly keyId: string;
  readonly origin: string;
  successes: number;
  failures: number;
  /** Failures after the last success of this batch. */
  trailing: number;
  probeFailed: boolean;
  lastError: string | null;
}

/** What a batch says of each receiver; one that was well and is well needs no write. */
export function receiverHealth(settled: readonly SettledAttempt[]): ReceiverHealth[] {
  const receivers = new Map<string, ReceiverHealth & { healthy: boolean }>();
  for (const { delivery, verdict } of settled) {
    const key = `${delivery.keyId} ${delivery.origin}`;
    let receiver = receivers.get(key);
    if (receiver === undefined) {
      const { keyId, origin, healthy } = delivery;
      const zero = { successes: 0, failures: 0, trailing: 0, probeFailed: false, lastError: null };
      receiver = { keyId, origin, healthy, ...zero };
      receivers.set(key, receiver);
    }
    // 410 is an answer of a receiver that knows what it does.
    const answered = verdict.outcome === 'delivered' || verdict.gone;
    receiver.healthy &&= delivery.healthy && answered;
    if (answered) {
      receiver.successes += 1;
      receiver.trailing = 0;
    } else {
      receiver.failures += 1;
      receiver.trailing += 1;
      receiver.lastError = verdict.error;
      receiver.probeFailed ||= delivery.probe;
    }
  }
  return [...receivers.values()].filter(({ healthy }) => !healthy);
}
