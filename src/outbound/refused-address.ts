import { cutText } from '../common/cut-text.js';
import { ADDRESS_RULE, MAX_URL_CHARACTERS, type RefusalReason } from './address-rules.js';

/**
 * An address as a refusal names it. An http(s) address is given in full, so that the client finds it in its request;
 * another one is shortened, because a data: URL would come back with all its bytes.
 */
export function shownAddress(url: string): string {
  return /^https?:\/\//i.test(url) && url.length <= MAX_URL_CHARACTERS ? url : cutText(url);
}

/** Rules whose violation is visible in the address itself, so that naming them reveals nothing about our network. */
const PLAIN_RULES: Partial<Record<RefusalReason, string>> = {
  port: 'on port 80 or 443 (no other port is allowed)',
  credentials: 'without user:password (put a token into the path or the query instead)',
};

/** What an address must have, for those refused for these reasons; the end of a sentence. */
export function addressNeeds(reasons: Iterable<RefusalReason>): string {
  const plain = [...new Set(reasons)].flatMap((reason) => PLAIN_RULES[reason] ?? []);
  return [ADDRESS_RULE, ...plain].join(', ');
}
