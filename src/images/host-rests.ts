import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';

/** Failures in a row after which a host is left alone. */
export const FAILURES_TO_REST = 20;
export const REST_MS = 5 * 60_000;
/** Hosts remembered at most; beyond it the one that failed longest ago is forgotten, so that a client's inventions cost no memory. */
const MAX_HOSTS = 10_000;

interface HostState {
  failures: number;
  restingUntil: number;
}

/**
 * Which photo hosts are down, as far as this process has seen: 20 failures in a row and a host rests for 5 minutes.
 * Whoever tries it during or after its rest and fails makes it rest again; one answer of any kind ends it.
 */
@Injectable()
export class HostRests {
  private readonly hosts = new Map<string, HostState>();

  constructor(private readonly clock: Clock) {}

  failed(host: string): void {
    const known = this.hosts.get(host) ?? { failures: 0, restingUntil: 0 };
    known.failures++;
    if (known.failures >= FAILURES_TO_REST) known.restingUntil = this.clock.now() + REST_MS;
    // Deleted first: a Map keeps the place of a key that is set again, and the eldest goes.
    this.hosts.delete(host);
    this.hosts.set(host, known);
    if (this.hosts.size > MAX_HOSTS) {
      const [eldest] = this.hosts.keys();
      if (eldest !== undefined) this.hosts.delete(eldest);
    }
  }

  answered(host: string): void {
    this.hosts.delete(host);
  }

  /** Milliseconds since 1970 until which `host` rests, or null. */
  restingUntil(host: string): number | null {
    const until = this.hosts.get(host)?.restingUntil ?? 0;
    return until > this.clock.now() ? until : null;
  }
}
