import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { JobReader } from '../jobs/job-reader.js';

/**
 * Warns at the start when receivers verify webhooks with the key that signs requests: a receiver could then send
 * requests in its client's name.
 */
@Injectable()
export class ReceiverKeys implements OnApplicationBootstrap {
  private readonly logger = new Logger(ReceiverKeys.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly jobs: JobReader,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { auth, webhook } = this.config;
    const without = [...auth.keys.keys()].filter((id) => !webhook.secrets.has(id));
    if (without.length === 0) return;
    const facts = { key_ids: without, setting: 'WEBHOOK_SECRETS' };
    if (await this.lotsNameReceivers()) {
      this.logger.warn(
        "some lots name a receiver of their own, and receivers verify webhooks with the key that signs requests; such a receiver can send requests in the client's name; set a webhook secret for the key id",
        facts,
      );
    } else {
      this.logger.warn(
        'no webhook secret is set, so receivers verify webhooks with the key that signs requests',
        facts,
      );
    }
  }

  /** False also when the database cannot say: the start must not fail because of a warning. */
  private async lotsNameReceivers(): Promise<boolean> {
    return this.jobs.anyLotWebhook().catch(() => false);
  }
}
