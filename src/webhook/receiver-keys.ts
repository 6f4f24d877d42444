import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { LotInputStore } from '../jobs/lot-input-store.js';

/** Says at the start who could sign requests in a client's place: whoever verifies webhooks with the key that signs them. */
@Injectable()
export class ReceiverKeys implements OnApplicationBootstrap {
  private readonly logger = new Logger(ReceiverKeys.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly inputs: LotInputStore,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { auth, webhook } = this.config;
    const without = [...auth.keys.keys()].filter((id) => !webhook.secrets.has(id));
    if (without.length === 0) return;
    const facts = { key_ids: without, setting: 'WEBHOOK_SECRETS' };
    if (await this.lotsNameReceivers()) {
      this.logger.warn(
        'lots name receivers of their own, and these verify with the key that signs requests: whoever holds it can send requests as its client; give the key id a webhook secret',
        facts,
      );
    } else {
      this.logger.warn(
        'receivers of webhooks verify with the key that signs requests: no webhook secret is set',
        facts,
      );
    }
  }

  /** A start does not fail for want of this answer. */
  private async lotsNameReceivers(): Promise<boolean> {
    return this.inputs.anyWebhook().catch(() => false);
  }
}
