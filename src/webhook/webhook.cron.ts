import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../common/clock.js';
import { ClaimStore } from './claim-store.js';
import { DeliverySender } from './delivery-sender.js';
import { showOldestPending } from './webhook-metrics.js';

/** Every second: whatever no hint has told the sender of. Replicas all tick; the claim keeps them apart. */
@Injectable()
export class WebhookCron {
  private readonly logger = new Logger(WebhookCron.name);

  constructor(
    private readonly sender: DeliverySender,
    private readonly claims: ClaimStore,
    private readonly clock: Clock,
  ) {}

  @Cron('* * * * * *', { name: 'webhook-sweep', waitForCompletion: true })
  async sweep(): Promise<void> {
    try {
      await this.sender.sweep();
    } catch (error) {
      this.logger.warn('webhook sweep failed', { reason: (error as Error).message });
    }
  }

  /** Every process shows it, since any of them may be the one that is asked. */
  @Cron('*/15 * * * * *', { name: 'webhook-oldest-pending', waitForCompletion: true })
  async measure(): Promise<void> {
    try {
      const now = this.clock.date();
      const oldest = await this.claims.oldestDue(now);
      showOldestPending(oldest === null ? 0 : (now.getTime() - oldest.getTime()) / 1000);
    } catch (error) {
      this.logger.warn('waiting webhooks could not be measured', { reason: (error as Error).message });
    }
  }
}
