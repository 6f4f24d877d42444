import { cutText } from '../common/cut-text.js';
import { ADDRESS_RULE, MAX_URL_CHARACTERS, type RefusalReason } from './address-rules.js';

/**
 * An address as a refusal names it: whole, so that a client finds it in what it sent, unless it is no http(s) address. A
 * photo as data: would come back with all its bytes.
 */
export function shownAddress(url: string): string {
  return /^https?:\/\//i.test(url) && url.length <= MAX_URL_CHARACTERS ? url : cutText(url);
}

/** What a look at the address shows to be wrong with it, so that to name it tells nothing of our network. */
const PLAIN_FAULTS: Partial<Record<RefusalReason, string>> = {
  port: 'Another port is not taken.',
  credentials: 'Instead of user:password put a token into the path or the query.',
};

/** What webhooks need whose addresses were refused for these reasons. */
export function webhooksNeed(reasons: Iterable<RefusalReason>): string {
  const faults = [...new Set(reasons)].flatMap((reason) => PLAIN_FAULTS[reason] ?? []);
  return [`Webhooks need ${ADDRESS_RULE}.`, ...faults].join(' ');
}
