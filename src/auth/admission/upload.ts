import { BodyAbortedError } from '../../common/request-body.js';
import { ServiceError } from '../../common/service-error.js';
import type { Claimant } from './claimant.js';

/** Why an upload that is still being received is ended from this side. */
export type Cut = (error: ServiceError) => void;

/** What an upload asks of the gate that let it in. */
export interface UploadHost {
  now(): number;
  takeMemory(upload: Upload, bytes: number): boolean;
  giveMemory(upload: Upload, bytes: number): void;
  takeSpool(upload: Upload, bytes: number): void;
  giveSpool(upload: Upload, bytes: number): void;
  full(): ServiceError;
  leave(upload: Upload, outcome: 'proven' | 'failed' | 'gone'): void;
}

/**
 * One upload from its headers to the end of its intake. Everything that it holds is counted, against strangers' shares
 * until its signature is right.
 */
export class Upload {
  /** Bytes as sent, compressed or not. */
  receivedBytes = 0;
  lastByteAt: number;
  /** Milliseconds for which we, and not the client, kept its bytes waiting. */
  heldMs = 0;
  /** All bytes have been received; from now on nothing depends on the client. */
  arrived = false;
  /** The request's handler has taken the upload over and will release it. */
  taken = false;
  cut: Cut | undefined;
  memory = 0;
  spool = 0;
  private stage: 'unproven' | 'proven' | 'released' = 'unproven';
  private heldSince: number | undefined;

  /** @param good - whether the last that was known of the claimant is a right signature */
  constructor(
    readonly claimant: Claimant,
    readonly good: boolean,
    readonly enteredAt: number,
    private readonly host: UploadHost,
  ) {
    this.lastByteAt = enteredAt;
  }

  /** Whether its bytes count against the limit for all strangers. */
  get isStranger(): boolean {
    return !this.good && this.stage === 'unproven';
  }

  received(bytes: number): void {
    this.receivedBytes += bytes;
    this.lastByteAt = this.host.now();
  }

  /** Between `hold` and `resume` its bytes wait for us. */
  hold(): void {
    this.heldSince ??= this.host.now();
  }

  resume(): void {
    if (this.heldSince === undefined) return;
    const now = this.host.now();
    this.heldMs += now - this.heldSince;
    this.heldSince = undefined;
    this.lastByteAt = now;
  }

  get isHeld(): boolean {
    return this.heldSince !== undefined;
  }

  /** Asks for memory. False when there is none: then the bytes must go to disk. */
  takeMemory(bytes: number): boolean {
    return this.host.takeMemory(this, bytes);
  }

  giveMemory(bytes: number): void {
    this.host.giveMemory(this, Math.min(bytes, this.memory));
  }

  /** The refusal when there is no room at all. */
  full(): ServiceError {
    return this.host.full();
  }

  /**
   * Takes bytes of spool space.
   * @throws ServiceError SERVICE_UNAVAILABLE (503) when there is none for it
   */
  take(bytes: number): void {
    this.host.takeSpool(this, bytes);
  }

  /** Gives back spool space that was freed. */
  give(bytes: number): void {
    this.host.giveSpool(this, Math.min(bytes, this.spool));
  }

  /** The signature is right: from now on the upload counts against its key's limits only. */
  proven(): void {
    if (this.stage !== 'unproven') return;
    this.host.leave(this, 'proven');
    this.stage = 'proven';
  }

  /** Handling it threw `error`. A fault of the client counts against its claimant, a shortage on our side does not. */
  endedBy(error: unknown): void {
    if (error instanceof BodyAbortedError || !(error instanceof ServiceError) || error.status >= 429) return;
    this.failed();
  }

  /** The upload failed: it was wrong, broken or cut off. Its claimant has to wait longer. */
  failed(): void {
    if (this.stage === 'unproven') this.end('failed');
  }

  /** Gives back whatever the upload still holds; may be called again. */
  release(): void {
    if (this.stage === 'unproven') this.end('gone');
    else this.stage = 'released';
    this.giveMemory(this.memory);
    this.give(this.spool);
  }

  private end(outcome: 'failed' | 'gone'): void {
    this.host.leave(this, outcome);
    this.stage = 'released';
  }
}
