import { Inject, Injectable } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { ServiceError } from '../common/service-error.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';

/** An address that uploads more than this share of MAX_UPLOADS waits while the gate is busy. */
const ADDRESS_SHARE = 1 / 4;
/** From this share of MAX_UPLOADS on the gate is busy; below it, who comes alone may use what is free. */
const BUSY_SHARE = 1 / 2;
const RETRY_AFTER_SECONDS = 2;

/** One upload from its headers to the end of its intake. */
export interface Upload {
  /** The signature is right: from now on the upload counts against its key's limits only. */
  readonly proven: () => void;
  /**
   * Takes bytes of spool space.
   * @throws ServiceError SERVICE_UNAVAILABLE (503) when SPOOL_MAX_BYTES are in use
   */
  readonly take: (bytes: number) => void;
  /** Gives back spool space that was freed. */
  readonly give: (bytes: number) => void;
  /** Gives back whatever the upload still holds; may be called again. */
  readonly release: () => void;
}

/** Bounds what clients who have not yet proven a signature can make this process hold. */
@Injectable()
export class UploadGate {
  private readonly maxUploads: number;
  private readonly maxSpoolBytes: number;
  private readonly byAddress = new Map<string, number>();
  private uploads = 0;
  private spoolBytes = 0;

  constructor(@Inject(APP_CONFIG) config: AppConfig) {
    this.maxUploads = config.limits.maxUploads;
    this.maxSpoolBytes = config.limits.spoolMaxBytes;
  }

  /**
   * Lets one upload in. Whoever calls this must `release` it, whatever happens.
   * @param address - of the client, with TRUST_PROXY honoured: Express's `request.ip`
   * @throws ServiceError SERVICE_UNAVAILABLE (503, MAX_UPLOADS are in), RATE_LIMITED (429, too many from this address)
   */
  enter(address: string | undefined): Upload {
    const group = addressGroup(address);
    const own = this.byAddress.get(group) ?? 0;
    if (this.uploads >= this.maxUploads) throw busy();
    const share = Math.max(1, Math.floor(this.maxUploads * ADDRESS_SHARE));
    if (own >= share && this.uploads >= this.maxUploads * BUSY_SHARE) throw tooManyFromAddress();
    this.uploads += 1;
    this.byAddress.set(group, own + 1);
    return this.upload(group);
  }

  /** What is in use now, for metrics and tests. */
  get usage(): { readonly uploads: number; readonly addresses: number; readonly spoolBytes: number } {
    return { uploads: this.uploads, addresses: this.byAddress.size, spoolBytes: this.spoolBytes };
  }

  private upload(group: string): Upload {
    let unproven = true;
    let held = 0;
    const proven = () => {
      if (unproven) this.leave(group);
      unproven = false;
    };
    const give = (bytes: number) => {
      const given = Math.min(bytes, held);
      held -= given;
      this.spoolBytes -= given;
    };
    return {
      proven,
      take: (bytes) => {
        if (this.spoolBytes + bytes > this.maxSpoolBytes) throw busy();
        held += bytes;
        this.spoolBytes += bytes;
      },
      give,
      release: () => {
        proven();
        give(held);
      },
    };
  }

  private leave(group: string): void {
    this.uploads -= 1;
    const own = (this.byAddress.get(group) ?? 1) - 1;
    if (own === 0) this.byAddress.delete(group);
    else this.byAddress.set(group, own);
  }
}

/** An IPv6 client owns a /64 at least, so it counts as one address; IPv4 written as IPv6 counts as IPv4. */
export function addressGroup(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':');
}

function busy(): ServiceError {
  return new ServiceError('SERVICE_UNAVAILABLE', 'Too many uploads are under way; send the request again shortly.', {
    headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
  });
}

function tooManyFromAddress(): ServiceError {
  return new ServiceError(
    'RATE_LIMITED',
    'Too many uploads from this address are under way; send fewer side by side.',
    {
      headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
    },
  );
}
