import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Clock } from '../common/clock.js';
import { ServiceError } from '../common/service-error.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { claimantOf, type Claimant } from './admission/claimant.js';
import { isTooSlow, mayBeDisplaced } from './admission/pace.js';
import { Shares } from './admission/shares.js';
import { Standing } from './admission/standing.js';
import { Upload, type UploadHost } from './admission/upload.js';
import { WaitingLine } from './admission/waiting-line.js';

const MIB = 1024 * 1024;

/** The share of MAX_UPLOADS that one address may have while more than half of them are taken. */
const ADDRESS_SHARE = 1 / 4;
/** The share of MAX_UPLOADS that is kept for addresses whose last request was correctly signed. */
const KEPT_SHARE = 1 / 4;
/**
 * Never more strangers than this, because Node holds 80 KB for each stalled request, however little of it was received.
 */
const MOST_STRANGERS = 750;
/** The share of SPOOL_MAX_BYTES that strangers may hold, so that there is always room for proven requests. */
const STRANGERS_SPOOL_SHARE = 1 / 2;
/** Bytes of bodies in memory, for strangers and the same again for the others; beyond it bodies lie on disk. */
const MEMORY_BYTES = 16 * MIB;
const SHORT_WAIT_MS = 2000;
const SWEEP_MS = 1000;

/** Bounds what clients who have not yet proven a signature can make this process hold, and lets them in fairly. */
@Injectable()
export class UploadGate implements UploadHost, OnApplicationShutdown {
  private readonly maxUploads: number;
  private readonly maxStrangers: number;
  private readonly maxSpoolBytes: number;
  private readonly believesAnybody: boolean;
  private readonly standing = new Standing();
  private readonly line = new WaitingLine();
  /** Those let in, oldest first. */
  private readonly uploads = new Set<Upload>();
  private readonly ofRequest = new WeakMap<IncomingMessage, Upload>();
  private readonly byClaim = new Shares();
  private readonly byPeer = new Shares();
  private readonly strangersMemory = new Shares();
  private readonly othersMemory = new Shares();
  private readonly strangersSpool = new Shares();
  private strangers = 0;
  private isStrained: () => boolean = () => false;
  private spoolBytes = 0;
  private sweeper: NodeJS.Timeout | undefined;

  constructor(
    @Inject(APP_CONFIG) config: AppConfig,
    private readonly clock: Clock,
  ) {
    this.maxUploads = config.limits.maxUploads;
    this.maxStrangers = Math.min(MOST_STRANGERS, this.maxUploads - Math.floor(this.maxUploads * KEPT_SHARE));
    this.maxSpoolBytes = config.limits.spoolMaxBytes;
    this.believesAnybody = config.http.trustProxy === true;
  }

  /**
   * Lets one upload in; once for each request. The caller must `release` it, whatever happens.
   * @param ip - of the client, with TRUST_PROXY honoured: Express's `request.ip`
   * @throws ServiceError SERVICE_UNAVAILABLE (503, all places are taken), RATE_LIMITED (429, too many from this
   * address)
   */
  enter(request: IncomingMessage, ip: string | undefined): Upload {
    const known = this.ofRequest.get(request);
    if (known !== undefined) return known;
    const upload = this.admit(claimantOf(request, ip, this.believesAnybody));
    this.ofRequest.set(request, upload);
    return upload;
  }

  /**
   * Why an upload would not be let in just now, judged by its first bytes; null when it may enter. A refused client
   * keeps a place in the waiting line; nothing else changes.
   */
  refusal(claimant: Claimant): ServiceError | null {
    const now = this.clock.now();
    try {
      const good = this.standing.isGood(claimant);
      if (good) this.checkRoom();
      this.checkShares(claimant, now);
      if (!good && !this.line.isOpenTo(claimant.key, this.freeForStrangers, now)) this.checkLine(claimant, now);
      return null;
    } catch (error) {
      if (error instanceof ServiceError) return error;
      throw error;
    }
  }

  /**
   * As {@link enter}, by what decides about it.
   * @throws like {@link enter}
   */
  admit(claimant: Claimant): Upload {
    const now = this.clock.now();
    const good = this.standing.isGood(claimant);
    if (good) this.checkRoom();
    this.checkShares(claimant, now);
    if (!good) this.checkLine(claimant, now);
    const upload = new Upload(claimant, good, now, this);
    this.uploads.add(upload);
    this.count(upload, 1);
    this.sweeper ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
    return upload;
  }

  /** @param isStrained - whether connections already hold so much that no stranger should be let in */
  watchStrain(isStrained: () => boolean): void {
    this.isStrained = isStrained;
  }

  /** A correctly signed request came from this address, so its next uploads are let in first. */
  vouchFor(request: IncomingMessage, ip: string | undefined): void {
    this.standing.proved(claimantOf(request, ip, this.believesAnybody).address);
  }

  /** Ends uploads that come too slowly; once a second by itself. */
  sweep(): void {
    const now = this.clock.now();
    for (const upload of this.uploads) {
      if (!isTooSlow(upload, now)) continue;
      upload.cut?.(tooSlow());
      upload.failed();
    }
    if (this.uploads.size > 0) return;
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }

  onApplicationShutdown(): void {
    clearInterval(this.sweeper);
  }

  now(): number {
    return this.clock.now();
  }

  takeMemory(upload: Upload, bytes: number): boolean {
    const shares = upload.good ? this.othersMemory : this.strangersMemory;
    if (!shares.allows(upload.claimant.address, bytes, MEMORY_BYTES)) return false;
    shares.add(upload.claimant.address, bytes);
    upload.memory += bytes;
    return true;
  }

  giveMemory(upload: Upload, bytes: number): void {
    (upload.good ? this.othersMemory : this.strangersMemory).add(upload.claimant.address, -bytes);
    upload.memory -= bytes;
  }

  full(): ServiceError {
    return busy(SHORT_WAIT_MS);
  }

  takeSpool(upload: Upload, bytes: number): void {
    const { address } = upload.claimant;
    if (this.spoolBytes + bytes > this.maxSpoolBytes) throw busy(SHORT_WAIT_MS);
    if (upload.isStranger) {
      if (!this.strangersSpool.allows(address, bytes, this.maxSpoolBytes * STRANGERS_SPOOL_SHARE))
        throw busy(SHORT_WAIT_MS);
      this.strangersSpool.add(address, bytes);
    }
    upload.spool += bytes;
    this.spoolBytes += bytes;
  }

  giveSpool(upload: Upload, bytes: number): void {
    if (upload.isStranger) this.strangersSpool.add(upload.claimant.address, -bytes);
    upload.spool -= bytes;
    this.spoolBytes -= bytes;
  }

  leave(upload: Upload, outcome: 'proven' | 'failed' | 'gone'): void {
    if (upload.isStranger) this.strangersSpool.add(upload.claimant.address, -upload.spool);
    this.uploads.delete(upload);
    this.count(upload, -1);
    if (outcome === 'proven') this.standing.proved(upload.claimant.address);
    if (outcome === 'failed') this.standing.failed(upload.claimant, this.clock.now());
  }

  private count(upload: Upload, change: 1 | -1): void {
    const { key, peer } = upload.claimant;
    this.byClaim.add(key, change);
    if (peer !== null) this.byPeer.add(peer, change);
    if (!upload.good) this.strangers += change;
  }

  private checkRoom(): void {
    if (this.uploads.size >= this.maxUploads) throw busy(SHORT_WAIT_MS);
  }

  /**
   * An address may use what is free. Once half is taken it may only use its share for each way of signing, and nothing
   * more while it has to wait.
   */
  private checkShares(claimant: Claimant, now: number): void {
    const { uploads, maxUploads } = this;
    if (uploads.size + 1 <= maxUploads / 2) return;
    const share = Math.max(1, Math.floor(maxUploads * ADDRESS_SHARE));
    if (this.byClaim.of(claimant.key) >= share) throw tooManyFromAddress(SHORT_WAIT_MS);
    // With TRUST_PROXY=true any client can claim any address, so all claims from one connection's address together get
    // half of the places at most.
    const { peer } = claimant;
    if (peer !== null && this.byPeer.of(peer) >= maxUploads / 2) throw tooManyFromAddress(SHORT_WAIT_MS);
    const rest = this.standing.restOf(claimant, now);
    if (rest > 0) throw tooManyFromAddress(rest);
  }

  private get freeForStrangers(): number {
    if (this.isStrained()) return 0;
    return Math.min(this.maxStrangers - this.strangers, this.maxUploads - this.uploads.size);
  }

  private checkLine(claimant: Claimant, now: number): void {
    const free = this.freeForStrangers;
    const wait = this.line.ask(claimant.key, free, now);
    if (wait === null) return;
    if (free <= 0) this.displaceOne(now);
    throw busy(wait);
  }

  /** An upload that was let in long ago and is still being sent is ended to make room for those that wait. */
  private displaceOne(now: number): void {
    for (const upload of this.uploads) {
      if (!mayBeDisplaced(upload, now)) {
        if (upload.isStranger && !upload.arrived) return;
        continue;
      }
      upload.cut?.(busy(SHORT_WAIT_MS));
      return;
    }
  }
}

function busy(waitMs: number): ServiceError {
  return new ServiceError('SERVICE_UNAVAILABLE', 'Too many uploads are running; send the request again shortly.', {
    headers: retryAfter(waitMs),
  });
}

function tooManyFromAddress(waitMs: number): ServiceError {
  return new ServiceError(
    'RATE_LIMITED',
    'Too many uploads from this address are running or have failed; send fewer at the same time.',
    { headers: retryAfter(waitMs) },
  );
}

function tooSlow(): ServiceError {
  return new ServiceError('SERVICE_UNAVAILABLE', 'The upload came too slowly: send at least 64 KB a second.', {
    headers: retryAfter(SHORT_WAIT_MS),
  });
}

function retryAfter(waitMs: number): Record<string, string> {
  return { 'Retry-After': String(Math.ceil(waitMs / 1000)) };
}
