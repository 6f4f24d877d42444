import { once } from 'node:events';
import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import type { AppConfig } from '../../src/config/app-config.js';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { LeaseLostError } from '../../src/database/lease.js';
import type { SyncJobStore } from '../../src/jobs/sync-job-store.js';
import { SyncLeases } from '../../src/sync/sync-leases.js';

Logger.overrideLogger(false);

let leases: SyncLeases;
afterEach(() => leases.onApplicationShutdown());

/** @param renew - what the database answers to a renewal */
function leasesOf(renew: (tokens: readonly string[]) => Promise<ReadonlySet<string>>): SyncLeases {
  const config = { jobs: { leaseSeconds: 0.3 } } as AppConfig;
  return new SyncLeases(config, { renew } as unknown as SyncJobStore);
}

/** How many leases of synchronous jobs the metrics count as lost. */
async function lost(): Promise<number> {
  const metric = await metricsRegistry.getSingleMetric('leases_lost_total')?.get();
  return metric?.values.find(({ labels }) => labels['work'] === 'synchronous_job')?.value ?? 0;
}

describe('SyncLeases', () => {
  it('SyncLeases renews all leases in one statement, and aborts the one that was taken over', async () => {
    const [asked, before]: [string[][], number] = [[], await lost()];
    leases = leasesOf((tokens) => {
      asked.push([...tokens]);
      return Promise.resolve(new Set(['kept']));
    });
    const kept = leases.hold('kept');
    const taken = leases.hold('taken');
    await once(taken, 'abort');
    expect(taken.reason).toBeInstanceOf(LeaseLostError);
    expect(asked[0]).toEqual(['kept', 'taken']);
    expect(kept.aborted).toBe(false);
    // It was cancelled: its lease had not run out.
    expect(await lost()).toBe(before);
    leases.letGo('kept');
    leases.letGo('taken');
  });

  it('SyncLeases ends a lease by its own clock when the database does not answer, and no longer renews it', async () => {
    const [asked, before]: [string[][], number] = [[], await lost()];
    leases = leasesOf((tokens) => {
      asked.push([...tokens]);
      return Promise.reject(new Error('connect ECONNREFUSED'));
    });
    const signal = leases.hold('only');
    await once(signal, 'abort');
    expect(String(signal.reason)).toMatch(/its time is over/);
    expect(await lost()).toBe(before + 1);
    expect(asked.length).toBeGreaterThan(0);
    asked.length = 0;
    const later = leases.hold('later');
    await once(later, 'abort');
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.flat()).not.toContain('only');
  });
});
