import type { SignedCaller } from '../../auth/caller.js';
import type { CheckedRequest } from './request-content.js';
import type { LotSpool } from '../intake/lot-spool.js';

/** A request whose signature is correct and whose content may be accepted; its lots wait in the spool. */
export interface ReceivedRequest {
  /** Created before the body is read, because the spooled rows contain it. */
  readonly jobId: string;
  readonly caller: SignedCaller;
  readonly content: CheckedRequest;
  readonly spool: LotSpool;
  /** Lower-case hex SHA-256 of the decoded body. */
  readonly bodyHash: string;
  readonly idempotencyKey: string | null;
  /** Unix seconds of a scheme 1 signature; null for scheme 2. */
  readonly signedAt: number | null;
  /** When the last byte arrived, milliseconds since 1970; SYNC_TIMEOUT counts from here. */
  readonly receivedAt: number;
}
