import type { SettledAttempt } from './claimed-delivery.js';

/** What some settled attempts show about one receiver. */
export interface ReceiverHealth {
  readonly keyId: string;
  readonly origin: string;
  successes: number;
  failures: number;
  /** Failures after the last success among these attempts. */
  trailing: number;
  probeFailed: boolean;
  lastError: string | null;
}

/** What the attempts show about each receiver; receivers that were and are healthy are left out, as nothing changes. */
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
    // 410 is a deliberate answer of a working receiver.
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
