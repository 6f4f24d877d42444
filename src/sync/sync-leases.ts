import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { HeldLease } from '../database/lease.js';
import { countLostLease } from '../database/lease-metrics.js';
import { SyncJobStore } from '../jobs/sync-job-store.js';

/**
 * Renews the leases of all synchronous jobs that this process answers, after each third of a lease, in one statement:
 * 1,000 requests in flight cost three statements a minute instead of 3,000.
 */
@Injectable()
export class SyncLeases implements OnApplicationShutdown {
  private readonly logger = new Logger(SyncLeases.name);
  private readonly held = new Map<string, HeldLease>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly store: SyncJobStore,
  ) {}

  get seconds(): number {
    return this.config.jobs.leaseSeconds;
  }

  /**
   * Holds a lease that the database has just granted. Call {@link letGo} at the end.
   * @returns a signal that aborts with LeaseLostError when the job was cancelled or taken over
   */
  hold(token: string): AbortSignal {
    const lease = new HeldLease('synchronous jobs', performance.now() + this.seconds * 1000);
    // Whoever takes a job over waits until its lease has run out, which is seen here first. What is not renewed before was cancelled.
    const count = () => lease.ranOut && countLostLease('synchronous_job');
    lease.signal.addEventListener('abort', count, { once: true });
    this.held.set(token, lease);
    this.timer ??= setInterval(() => void this.renew(), (this.seconds * 1000) / 3);
    return lease.signal;
  }

  letGo(token: string): void {
    this.held.get(token)?.stop();
    this.held.delete(token);
    if (this.held.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async renew(): Promise<void> {
    // A lost lease is not renewed. So it also runs out in the database, and another process can take the job over.
    const tokens = [...this.held].flatMap(([token, lease]) => (lease.ended ? [] : [token]));
    if (tokens.length === 0) return;
    const sentAt = performance.now();
    try {
      const renewed = await this.store.renew(tokens, this.seconds);
      for (const token of tokens) {
        const lease = this.held.get(token);
        if (renewed.has(token)) lease?.extend(sentAt + this.seconds * 1000);
        else lease?.lose('it was cancelled or taken over');
      }
    } catch (error) {
      this.logger.warn('leases could not be renewed', { leases: tokens.length, reason: (error as Error).message });
    }
  }
}
