import { Inject, Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { claimMany, type Claim, type ClaimRequest } from './claim.js';
import { Database } from './database.service.js';
import { Lease } from './lease.js';

/** Claims rows for LEASE_SECONDS and holds them while work on them goes on. */
@Injectable()
export class Leases {
  constructor(
    private readonly database: Database,
    @Inject(APP_CONFIG) private readonly config: { readonly jobs: Pick<AppConfig['jobs'], 'leaseSeconds'> },
  ) {}

  claimMany<T extends QueryResultRow>(request: Omit<ClaimRequest, 'leaseSeconds'>): Promise<Claim<T>[]> {
    return claimMany<T>(this.database, { ...request, leaseSeconds: this.config.jobs.leaseSeconds });
  }

  /**
   * Holds the row while `work` runs, and afterwards leaves it as `work` left it. When `work` throws, the lease runs out
   * at its time. So a row that always fails is not claimed again at once.
   */
  async runWithLease<T extends QueryResultRow, R>(
    claim: Claim<T>,
    work: (lease: Lease, row: T) => Promise<R>,
  ): Promise<R> {
    const lease = new Lease(this.database, claim);
    try {
      return await work(lease, claim.row);
    } finally {
      lease.stop();
    }
  }
}
