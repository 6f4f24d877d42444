import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { DeliverySender } from './delivery-sender.js';

/** Looks every second for deliveries that no hint announced. All processes do so; the claim keeps them apart. */
@Injectable()
export class WebhookCron {
  private readonly logger = new Logger(WebhookCron.name);

  constructor(private readonly sender: DeliverySender) {}

  @Cron('* * * * * *', { name: 'webhook-sweep', waitForCompletion: true })
  async sweep(): Promise<void> {
    try {
      await this.sender.sweep();
    } catch (error) {
      this.logger.warn('webhook sweep failed', { reason: (error as Error).message });
    }
  }
}
