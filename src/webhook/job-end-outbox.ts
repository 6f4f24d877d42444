import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import type { Transaction } from '../database/database.service.js';
import { JobEndOutbox, type JobEnd } from '../jobs/job-ender.js';
import { OutboxStore } from './outbox-store.js';
import { LotEndStore, type LotForReceiver } from '../jobs/lot-end-store.js';
import { PartPacker, type LotPart } from './part-packer.js';

/** How many lots are read at once, which limits the memory for jobs of any size. */
const PAGE_LOTS = 10_000;
/** Bytes of a body around its lots, without metadata: 620 were measured, and longer numbers need room. */
const ENVELOPE_BYTES = 1024;

/**
 * Queues the deliveries of a job that ends: the lots of each address in parts. A lot's own address wins over the job's.
 */
@Injectable()
export class WebhookJobEndOutbox extends JobEndOutbox {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly outbox: OutboxStore,
    private readonly lots: LotEndStore,
  ) {
    super();
  }

  async add(tx: Transaction, end: JobEnd): Promise<void> {
    const { jobId, keyId, status, at } = end;
    await this.outbox.supersedeProgress(tx, jobId);
    const parts = await this.packLots(tx, end);
    await this.outbox.insertParts(tx, { jobId, keyId, event: `batch_job_${status}`, now: at }, parts);
  }

  private async packLots(tx: Transaction, end: JobEnd): Promise<LotPart[]> {
    const { partLots, partBytes } = this.config.webhook;
    const bytes = Math.max(partBytes - ENVELOPE_BYTES - end.metadataBytes, partBytes / 2);
    const packer = new PartPacker({ lots: partLots, bytes });
    for (let after = -1; ;) {
      // Pages are not kept, because reading 50,000 lots takes only 0.2 s.
      const rows = await this.lots.forReceivers(tx, end, after, PAGE_LOTS);
      for (const [position, size, url] of rows) packer.add(url, position, size);
      if (rows.length < PAGE_LOTS) return packer.parts();
      after = (rows[rows.length - 1] as LotForReceiver)[0];
    }
  }
}
