import { Inject, Injectable } from '@nestjs/common';
import type { SignedCaller } from '../auth/caller.js';
import { Clock } from '../common/clock.js';
import { newId } from '../common/ids.js';
import { ServiceError } from '../common/service-error.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database } from '../database/database.service.js';
import { RequestKeyStore, type NewRequestKey } from '../jobs/request-key-store.js';
import { AllowList, checkUrl } from '../outbound/address-rules.js';
import { addressNeeds, shownAddress } from '../outbound/refused-address.js';
import { AttemptRunner } from './attempt-runner.js';
import type { DeliveryDto } from './deliveries.dto.js';
import { DeliveriesService, type Repeatable } from './deliveries.service.js';
import { OutboxStore } from './outbox-store.js';
import { deliveryLeaseSeconds } from './claim-store.js';
import type { ClaimedDelivery } from './claimed-delivery.js';
import { OutcomeStore } from './outcome-store.js';
import { pingPayload } from './payload.js';
import { ReceiverStore } from './receiver-store.js';

/** Sends a signed test event to an address, once and at once, and records it like any other delivery. */
@Injectable()
export class PingService {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly allow: AllowList,
    private readonly requestKeys: RequestKeyStore,
    private readonly outbox: OutboxStore,
    private readonly runner: AttemptRunner,
    private readonly outcomes: OutcomeStore,
    private readonly receivers: ReceiverStore,
    private readonly deliveries: DeliveriesService,
  ) {}

  /**
   * @param repeat - its `jobId` becomes the delivery's id
   * @returns the delivery with its attempt, delivered or failed
   * @throws ServiceError INVALID_WEBHOOK_URL, SERVICE_UNAVAILABLE, REQUEST_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED
   */
  async ping(caller: SignedCaller, url: string, repeat: NewRequestKey): Promise<Repeatable<DeliveryDto>> {
    const checked = checkUrl(url, this.allow);
    if (!checked.ok) {
      throw new ServiceError('INVALID_WEBHOOK_URL', `Webhooks need ${addressNeeds([checked.reason])}.`, {
        details: { invalid_urls: [shownAddress(url)], reason: checked.reason },
      });
    }
    const delivery = this.delivery(caller, repeat.jobId, checked.url.href);
    const leaseSeconds = deliveryLeaseSeconds(this.config);
    const startBy = performance.now() + (leaseSeconds * 1000) / 2;
    const first = await this.database.transaction((tx) =>
      this.requestKeys.once(tx, repeat, () => this.outbox.insertClaimed(tx, delivery, leaseSeconds, this.clock.date())),
    );
    if (first !== null) return { answer: await this.deliveries.one(caller.keyId, first), replayed: true };
    const settled = await this.runner.run(delivery, startBy);
    if (settled === undefined) {
      throw new ServiceError('SERVICE_UNAVAILABLE', 'The test event could not be sent now; send the request again.', {
        headers: { 'Retry-After': '5' },
      });
    }
    await this.outcomes.settle([settled]);
    // A receiver that accepts a test event is back: its circuit closes, and waiting deliveries are sent.
    await this.receivers.writeHealth([settled]);
    return { answer: await this.deliveries.one(caller.keyId, delivery.id), replayed: false };
  }

  private delivery(caller: SignedCaller, id: string, url: string): ClaimedDelivery {
    const payload = pingPayload(this.clock.date());
    return {
      id,
      jobId: null,
      keyId: caller.keyId,
      origin: new URL(url).origin,
      url,
      event: 'ping',
      part: 1,
      parts: 1,
      firstPosition: null,
      lastPosition: null,
      lots: 0,
      bytes: payload.length,
      revision: 0,
      payload,
      bodySha256: null,
      // The secret that signed this request, so that a client that still uses an old secret can verify the event.
      job: null,
      secretFingerprint: caller.secretFingerprint,
      attempt: 1,
      failures: 0,
      token: newId(),
      slots: 1,
      room: 1,
      probe: false,
      healthy: false,
    };
  }
}
