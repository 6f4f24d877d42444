import { cutText } from '../common/cut-text.js';
import { ServiceError } from '../common/service-error.js';

/** Lots that a refusal names. */
const MOST_NAMED = 100;

/** For lots that a client asked for by ids that the job does not have. */
export function unknownLots(lotIds: readonly string[]): ServiceError {
  return new ServiceError('LOT_NOT_FOUND', 'This job has no lot with this lot_id.', {
    details: { lot_ids: lotIds.slice(0, MOST_NAMED).map((lotId) => cutText(lotId)) },
  });
}
