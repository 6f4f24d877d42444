import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import type { Transaction } from '../database/database.service.js';
import { JobEndOutbox, type JobEnd } from '../jobs/job-ender.js';
import { OutboxStore } from './outbox-store.js';
import { LotEndStore, type LotForReceiver } from '../jobs/lot-end-store.js';
import { PartPacker, type LotPart } from './part-packer.js';

/** Lots read at once: bounds the memory of a job of any size. */
const PAGE_LOTS = 10_000;
/** What surrounds the lots in a body, without metadata (measured: 620 bytes) and with room for longer numbers. */
const ENVELOPE_BYTES = 1024;

/** The deliveries of a job that ends: for each address (a lot's own wins over the job's) that address's lots in parts. */
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
      // Nothing is kept of a page: 50,000 lots are read in 0.2 s.
      const rows = await this.lots.forReceivers(tx, end, after, PAGE_LOTS);
      for (const [position, size, url] of rows) packer.add(url, position, size);
      if (rows.length < PAGE_LOTS) return packer.parts();
      after = (rows[rows.length - 1] as LotForReceiver)[0];
    }
  }
}
