import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { Transaction } from '../database/database.service.js';
import { JobReader } from '../jobs/job-reader.js';
import { GivenUpStore, type Address, type GivenUpDelivery, type RecoveredJob } from './given-up-store.js';
import { OutboxStore } from './outbox-store.js';
import { exhaustedPayload, recoveredPayload } from './payload.js';

/**
 * Queues `delivery_exhausted` and `receiver_recovered` for clients that asked for them, in the transaction of their
 * cause: a process that dies leaves both or neither. These two events themselves cause no further ones.
 */
@Injectable()
export class GivenUpEvents {
  constructor(
    private readonly clock: Clock,
    private readonly jobs: JobReader,
    private readonly store: GivenUpStore,
    private readonly outbox: OutboxStore,
  ) {}

  /** Call it when these deliveries have failed for good. */
  async gaveUp(tx: Transaction, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const deliveries = await this.store.find(tx, ids);
    for (const [jobId, ofJob] of groupBy(deliveries, ({ jobId }) => jobId)) {
      const job = await this.jobs.webhooksAskedFor(tx, jobId);
      if (job === undefined) continue;
      if (job.events.includes('receiver_recovered')) {
        await this.store.await(
          tx,
          ofJob.map(({ id }) => id),
        );
      }
      if (!job.events.includes('delivery_exhausted') || job.webhookUrl === null) continue;
      for (const [url, ofAddress] of groupBy(ofJob, (delivery) => delivery.url)) {
        await this.tellExhausted(tx, job.webhookUrl, url, ofAddress);
      }
    }
  }

  /** Whether some address is awaited, so that a success must be reported with {@link answered}. */
  async anyAwaited(): Promise<boolean> {
    return this.store.anyAwaited();
  }

  /** Call it when these addresses have accepted a delivery. */
  async answered(tx: Transaction, addresses: readonly Address[]): Promise<void> {
    const recovered = await this.store.takeAwaited(tx, addresses);
    for (const jobs of groupBy(recovered, ({ keyId, url }) => JSON.stringify([keyId, url])).values()) {
      const [{ keyId, url, jobId }] = jobs as [RecoveredJob, ...RecoveredJob[]];
      const now = this.clock.date();
      // The event belongs to the latest of the jobs: it is signed with that job's secret and removed with it.
      const event = { jobId, keyId, event: 'receiver_recovered', now } as const;
      const payload = recoveredPayload(
        url,
        jobs.map((job) => job.jobId),
        now,
      );
      await this.outbox.insertStored(tx, event, payload, [url], now);
    }
  }

  /** A job's own address is told of another origin that is dead; the dead one would not hear it. */
  private async tellExhausted(
    tx: Transaction,
    webhookUrl: string,
    url: string,
    deliveries: readonly GivenUpDelivery[],
  ): Promise<void> {
    if (new URL(webhookUrl).origin === new URL(url).origin) return;
    const [{ jobId, keyId }] = deliveries as [GivenUpDelivery, ...GivenUpDelivery[]];
    const now = this.clock.date();
    const event = { jobId, keyId, event: 'delivery_exhausted', now } as const;
    await this.outbox.insertStored(tx, event, exhaustedPayload(jobId, url, deliveries, now), [webhookUrl], now);
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
