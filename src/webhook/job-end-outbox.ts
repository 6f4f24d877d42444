import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import type { Transaction } from '../database/database.service.js';
import { JobEndOutbox, type JobEnd } from '../jobs/job-ender.js';
import { OutboxStore } from './outbox-store.js';
import { PartPacker, type LotPart } from './part-packer.js';

/** Lots read at once: bounds the memory of a job of any size. */
const PAGE_LOTS = 10_000;
/** What surrounds the lots in a body, without metadata (measured: 620 bytes) and with room for longer numbers. */
const ENVELOPE_BYTES = 1024;

type LotRow = [position: number, bytes: number, url: string];

/** The deliveries of a job that ends: for each address (a lot's own wins over the job's) that address's lots in parts. */
@Injectable()
export class WebhookJobEndOutbox extends JobEndOutbox {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly outbox: OutboxStore,
  ) {
    super();
  }

  async add(tx: Transaction, end: JobEnd): Promise<void> {
    const { jobId, keyId, status, at } = end;
    await this.outbox.supersedeProgress(tx, jobId);
    const parts = await this.packLots(tx, end);
    await this.outbox.insertParts(tx, { jobId, keyId, event: `batch_job_${status}`, now: at }, parts);
  }

  private async packLots(tx: Transaction, { jobId, webhookUrl, metadataBytes }: JobEnd): Promise<LotPart[]> {
    const { partLots, partBytes } = this.config.webhook;
    const bytes = Math.max(partBytes - ENVELOPE_BYTES - metadataBytes, partBytes / 2);
    const packer = new PartPacker({ lots: partLots, bytes });
    for (let after = -1; ;) {
      // Rows as arrays on the bare client: 50,000 of them are read in 0.2 s, and nothing is kept of a page.
      // Failed and cancelled lots have no rendered text yet; their size is what will be written of them.
      const { rows } = await tx.client.query<LotRow>({
        rowMode: 'array',
        text: `select l.position,
            1 + case when l.rendered_bytes > 0 then l.rendered_bytes
                     else 256 + 2 * octet_length(l.lot_id) + 2 * coalesce(octet_length(l.missing_images::text), 0)
                          + 3 * coalesce(octet_length(l.missing_reasons::text), 0)
                          + coalesce(octet_length(l.error::text), 0) end,
            coalesce(i.webhook, $2)
          from batch_lots l
          left join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position and i.webhook is not null
          where l.job_id = $1 and l.position > $3 and coalesce(i.webhook, $2) is not null
          order by l.position limit ${PAGE_LOTS}`,
        values: [jobId, webhookUrl, after],
      });
      for (const [position, size, url] of rows) packer.add(url, position, size);
      if (rows.length < PAGE_LOTS) return packer.parts();
      after = (rows[rows.length - 1] as LotRow)[0];
    }
  }
}
