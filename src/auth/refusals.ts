import { rfc3339 } from '../common/clock.js';
import { cutText } from '../common/cut-text.js';
import { ServiceError } from '../common/service-error.js';
import { pathWithQuery } from './request-target.js';

/** A request whose signature is refused, as far as it was read. */
export interface SeenRequest {
  readonly method: string;
  /** As sent. */
  readonly target: string;
  /** Of the decoded body; null where the headers alone refuse. */
  readonly bodySha256Hex: string | null;
  readonly at: Date;
}

/** @param inBody - whether the signature may also come in the body */
export function missingSignature(seen: SeenRequest, inBody: boolean): ServiceError {
  const also = inBody ? ', or send the lots signature in the member signature' : '';
  return new ServiceError(
    'MISSING_SIGNATURE',
    'The request is not signed, or without a time. Send both X-Timestamp (unix seconds, ten digits) and ' +
      `X-Signature: v1=<hex>${also}. /docs/guides/signing shows how.`,
    { details: detailsOf(seen) },
  );
}

/** Gives the same message whatever is wrong, so that an attacker does not learn which part of a guess was correct. */
export function invalidSignature(seen: SeenRequest): ServiceError {
  return new ServiceError(
    'INVALID_SIGNATURE',
    'The signature is not valid. Sign "v1\\n" + X-Timestamp + "\\n" + method + "\\n" + path with query + "\\n" + hex SHA-256 of ' +
      'the body with a live secret (no line end at its end), in lower-case hex, and send it once as X-Signature: v1=<hex> ' +
      'within 300 s. Signatures over the raw body, as an older service accepted them, are not accepted. details.seen shows ' +
      'what was received; the page /docs/signing-page finds the part that differs.',
    { details: detailsOf(seen) },
  );
}

/**
 * What the client can compare with what it signed: a proxy that rewrote the path, a library that serialised the body
 * again, a clock that is off. None of it depends on a secret or on which key ids exist.
 */
function detailsOf({ method, target, bodySha256Hex, at }: SeenRequest): Record<string, unknown> {
  return {
    seen: {
      method,
      target: cutText(pathWithQuery(target)),
      body_sha256: bodySha256Hex,
      server_time: rfc3339(at),
    },
  };
}
