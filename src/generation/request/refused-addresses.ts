import { ServiceError } from '../../common/service-error.js';
import { checkUrl, type AllowList, type RefusalReason } from '../../outbound/address-rules.js';
import { addressNeeds, shownAddress } from '../../outbound/refused-address.js';
import { MAX_NAMED } from './field-problems.js';
import { Named } from './named.js';

/** Addresses of one request that are refused without DNS: the first ones as they are shown, and what they lack. */
export class RefusedAddresses {
  private readonly addresses = new Named();
  private readonly reasons = new Set<RefusalReason>();

  constructor(private readonly allow: AllowList) {}

  get count(): number {
    return this.addresses.count;
  }

  add(url: string): void {
    this.addresses.add(shownAddress(url));
    // The addresses listed so far are enough to say why.
    if (this.count > MAX_NAMED) return;
    const checked = checkUrl(url, this.allow);
    if (!checked.ok) this.reasons.add(checked.reason);
  }

  /** @throws ServiceError INVALID_IMAGE_URLS */
  throwOfPhotos(): void {
    if (this.count === 0) return;
    const facts = { invalid_urls: this.addresses.named, count: this.count };
    throw new ServiceError('INVALID_IMAGE_URLS', `Photos need ${addressNeeds(this.reasons)}.`, {
      members: { invalid_urls: facts.invalid_urls },
      details: facts,
    });
  }

  /** @throws ServiceError INVALID_WEBHOOK_URL */
  throwOfWebhooks(): void {
    if (this.count === 0) return;
    throw new ServiceError('INVALID_WEBHOOK_URL', `Webhooks need ${addressNeeds(this.reasons)}.`, {
      details: { invalid_urls: this.addresses.named },
    });
  }
}
